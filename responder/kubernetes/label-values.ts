/** Label keys and values from outside: parameters are checked, values of an alert's fields are made to fit. */
import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'

const maxValue = 63
const name = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const domain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** `name` or `prefix/name`, as the API server takes it. */
export function isLabelKey(key: string): boolean {
  const parts = key.split('/')
  const [prefix, last] = parts.length === 2 ? parts : [undefined, key]
  if (prefix !== undefined && (prefix.length > 253 || !domain.test(prefix))) return false
  return last !== undefined && name.test(last)
}

export const isLabelValue = (value: string): boolean => value === '' || name.test(value)

/** The nearest text that is a label's value: others become `_`, at most 63, letter or digit at both ends. */
export const labelValueOf = (text: string): string =>
  text
    .replaceAll(/[^-A-Za-z0-9_.]/g, '_')
    .slice(0, maxValue)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')

export const labelKeySchema = z
  .string()
  .refine(isLabelKey, { error: 'must be a label key such as example.com/state' })

/** The value of the alert's field for `%field`, as text; other texts as they are. Undefined: it has none. */
export function fieldOrText(text: string, { outputFields }: Alert): string | undefined {
  if (!text.startsWith('%')) return text
  const value = outputFields[text.slice(1)]
  return value === undefined || value === null ? undefined : String(value)
}
