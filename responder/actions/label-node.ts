import { z } from 'zod'
import { labelsFor, labelsSchema } from '../kubernetes/label-values.ts'
import { markAction } from './mark-action.ts'

export const labelNode = markAction({
  name: 'label_node',
  summary: 'Labels the node that the alert came from (or that an audit event is about).',
  target: 'node',
  part: 'labels',
  parameters: z.strictObject({ labels: labelsSchema }),
  wanted: ({ labels }, alert) => labelsFor(labels, alert),
})
