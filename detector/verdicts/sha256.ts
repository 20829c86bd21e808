import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** Lower-case hex of a file's content; `path` may be a `/proc/PID/fd/N`. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

/** A step's id as the name of a folder: ids may hold anything. */
export const folderName = (id: string): string =>
  createHash('sha256').update(id).digest('hex').slice(0, 32)
