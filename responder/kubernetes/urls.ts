/** Parts of URLs from names and parameters. */
import { TargetGone } from '../actions/errors.ts'

/** Names come from outside: a slash or dots in one must not lead to another path. */
export function part(name: string): string {
  if (name === '' || name === '.' || name === '..')
    throw new TargetGone(`${JSON.stringify(name)} is no name`)
  return encodeURIComponent(name)
}

export function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) given.set(name, value)
  return given.size === 0 ? '' : `?${given.toString()}`
}
