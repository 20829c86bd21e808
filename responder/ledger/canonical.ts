/** JSON in one form only: keys sorted, undefined left out, so that equal values have equal hashes. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    isPlain(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
