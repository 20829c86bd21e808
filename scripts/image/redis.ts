/** Debian's redis-server as an image, for clusters that can pull none: it stands where the chart's Redis image does. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeArchive } from './archive.ts'
import { copyPrograms } from './debian.ts'
import { baseOf } from './root.ts'

const programs = ['/usr/bin/redis-server', '/usr/bin/redis-cli']

/** The number that the chart's Redis runs as. */
const user = 999

export async function writeRedisImage(file: string, reference: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'riposte-redis-'))
  try {
    baseOf(root)
    copyPrograms(root, programs, [])
    const config = {
      Entrypoint: ['/usr/bin/redis-server'],
      Env: ['PATH=/usr/bin'],
      User: `${user}:${user}`,
      WorkingDir: '/tmp',
    }
    await writeArchive(file, { root, owned: { user, paths: [] }, config, reference })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
