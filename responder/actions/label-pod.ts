import { z } from 'zod'
import { labelKeySchema, labelsFor, labelValueSchema } from '../kubernetes/label-values.ts'
import { markAction } from './mark-action.ts'

export const labelPod = markAction({
  name: 'label_pod',
  summary: 'Labels the pod, so that people, queries and policies of others see it.',
  target: 'pod',
  part: 'labels',
  parameters: z.strictObject({
    labels: z
      .record(labelKeySchema, labelValueSchema)
      .default({ 'riposte.dev/state': 'suspect' })
      .describe('key → value or %field (made to fit a label); null takes the label away'),
  }),
  wanted: ({ labels }, alert) => labelsFor(labels, alert),
})
