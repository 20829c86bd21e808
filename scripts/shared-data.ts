/** The folder of test input that others wrote (Falco's rule files, captures): beside the checkout, and not part of it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const candidates = [
  process.env['RIPOSTE_SHARED'],
  join(import.meta.dirname, '..', '..', 'shared'),
  '/work/shared',
]

/** Path of a file or folder below data/, or undefined where the input is not on this machine. */
export function sharedData(path: string): string | undefined {
  return candidates
    .filter((folder) => folder !== undefined)
    .map((folder) => join(folder, 'data', path))
    .find((candidate) => existsSync(candidate))
}
