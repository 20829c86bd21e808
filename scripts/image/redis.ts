/** Debian's redis-server as an image, for clusters that can pull none: it stands where the chart's Redis image does. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeImage } from '../../e2e/cluster/image-archive.ts'
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
      entrypoint: ['/usr/bin/redis-server'],
      env: { PATH: '/usr/bin' },
      user: `${user}:${user}`,
      workingDirectory: '/tmp',
    }
    await writeImage(file, { reference, layers: [{ folder: root }], config })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
