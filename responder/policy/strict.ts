/** Pieces of zod that answer an operator's slip with the nearest right word. */
import { z } from 'zod'
import { unknownName } from '../../contract/problem.ts'
import { durationPattern, parseDuration } from './duration.ts'

/** Unknown keys are errors, one line of the message each, in the order of the issue's `keys`. */
export const strict = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownName('key', key, Object.keys(shape))).join('\n')
        : undefined,
  })

/** One of a few words; case is forgiven. */
export const word = <const Words extends readonly string[]>(kind: string, words: Words) =>
  z.enum(words, {
    error: (issue) =>
      typeof issue.input === 'string' ? unknownName(kind, issue.input, words) : undefined,
  })

/** Read as milliseconds. */
export const duration = z
  .string({ error: 'must be a duration such as 15m or 1h30m' })
  .regex(durationPattern, { error: 'must be a duration such as 15m or 1h30m', abort: true })
  .transform((text, context) => {
    const ms = parseDuration(text)
    if (ms !== undefined) return ms
    context.issues.push({ code: 'custom', message: 'must be longer than nothing', input: text })
    return z.NEVER
  })

/** Lower case and hyphens, as Kubernetes names its objects. */
export const objectName = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, {
  error: 'must be lower case letters, digits and hyphens',
})
