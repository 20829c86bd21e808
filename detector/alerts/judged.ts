/** An alert as it travels inside the detector: the contract's, plus what Falco's lines need exactly. */
import type { Alert } from '../../contract/alert.ts'
import type { ShownScalar, ShownValue } from '../engine/print.ts'

export interface JudgedAlert {
  readonly alert: Alert
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint
  /** `output_fields` with its exact integers; the contract's copy is cut to what JSON readers survive. */
  readonly fields: ReadonlyMap<string, ShownValue>
  /** Falco prints its own alerts (`source: internal`) in another shape. */
  readonly isInternal: boolean
}

/** For the contract: an integer beyond 2^53 becomes its decimal text. */
export function contractFields(fields: ReadonlyMap<string, ShownValue>): Alert['outputFields'] {
  return Object.fromEntries(
    [...fields].map(([name, value]) => [
      name,
      isList(value) ? value.map(contractScalar) : value === null ? null : contractScalar(value),
    ]),
  )
}

function contractScalar(value: ShownScalar): string | number | boolean {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

export const isList = (value: ShownValue): value is readonly ShownScalar[] => Array.isArray(value)
