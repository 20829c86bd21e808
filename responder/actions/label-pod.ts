import { z } from 'zod'
import { labelsFor, labelsSchema } from '../kubernetes/label-values.ts'
import { markAction } from './mark-action.ts'

export const labelPod = markAction({
  name: 'label_pod',
  summary: 'Labels the pod, so that people, queries and policies of others see it.',
  target: 'pod',
  part: 'labels',
  parameters: z.strictObject({ labels: labelsSchema }),
  wanted: ({ labels }, alert) => labelsFor(labels, alert),
})
