/** Label keys and values from outside: parameters are checked, values of an alert's fields are made to fit. */
import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import { readAlertField } from '../policy/alert-fields.ts'

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

/** What a policy may write as a label's value: itself, `%field`, or null to take the label away. */
const labelValueSchema = z
  .string()
  .refine((text) => text.startsWith('%') || isLabelValue(text), {
    error: 'must be a label value (at most 63 of A-Z a-z 0-9 - _ .) or a %field',
  })
  .nullable()

/** What actions that label take. */
export const labelsSchema = z
  .record(labelKeySchema, labelValueSchema)
  .default({ 'riposte.dev/state': 'suspect' })
  .describe('key → value or %field (made to fit a label); null takes the label away')

/** The value of the alert's field for `%field`, as text; other texts as they are. Undefined: it has none. */
export function fieldOrText(text: string, alert: Alert): string | undefined {
  if (!text.startsWith('%')) return text
  const value = readAlertField(alert, text.slice(1))
  return value === undefined ? undefined : String(value)
}

/** Labels as a policy wrote them, for this alert: key → value, null to take away, undefined where a field is missing. */
export const labelsFor = (
  labels: Readonly<Record<string, string | null>>,
  alert: Alert,
): Record<string, string | null | undefined> =>
  Object.fromEntries(
    Object.entries(labels).map(([key, text]) => {
      if (text?.startsWith('%') !== true) return [key, text]
      const value = fieldOrText(text, alert)
      return [key, value === undefined ? undefined : labelValueOf(value)]
    }),
  )
