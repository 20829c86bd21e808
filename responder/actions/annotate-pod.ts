import { z } from 'zod'
import { fieldOrText, labelKeySchema } from '../kubernetes/label-values.ts'
import { markAction } from './mark-action.ts'

const maxValue = 4096

export const annotatePod = markAction({
  name: 'annotate_pod',
  summary: 'Annotates the pod with what was seen; longer texts than labels may hold.',
  target: 'pod',
  part: 'annotations',
  parameters: z.strictObject({
    annotations: z
      .record(labelKeySchema, z.string().max(maxValue).nullable())
      .default({ 'riposte.dev/rule': '%rule.name' })
      .describe('key → text or %field; null takes the annotation away'),
  }),
  wanted: ({ annotations }, alert) =>
    Object.fromEntries(
      Object.entries(annotations).map(([key, text]) => [
        key,
        text === null ? null : fieldOrText(text, alert)?.slice(0, maxValue),
      ]),
    ),
})
