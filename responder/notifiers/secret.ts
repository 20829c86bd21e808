import { readFile } from 'node:fs/promises'
import { ActionFailed } from '../actions/errors.ts'

/** Read at each use, so that a rotated secret needs no restart. The file's name may be told, its content never. */
export async function readSecret(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new ActionFailed(`cannot read the secret in ${path}`, true, { cause })
  }
}
