import { z } from 'zod'
import { labelKeySchema, labelsFor, labelValueSchema } from '../kubernetes/label-values.ts'
import { markAction } from './mark-action.ts'

export const labelNode = markAction({
  name: 'label_node',
  summary: 'Labels the node that the alert came from (or that an audit event is about).',
  target: 'node',
  part: 'labels',
  parameters: z.strictObject({
    labels: z
      .record(labelKeySchema, labelValueSchema)
      .default({ 'riposte.dev/state': 'suspect' })
      .describe('key → value or %field (made to fit a label); null takes the label away'),
  }),
  wanted: ({ labels }, alert) => labelsFor(labels, alert),
})
