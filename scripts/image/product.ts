/** Riposte's image without docker: the same contents and the same configuration as the Dockerfile's last stage. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeImage } from '../../e2e/cluster/image-archive.ts'
import { configOf, readDockerfile } from './dockerfile.ts'
import { buildRoot } from './root.ts'

const dockerfile = fileURLToPath(new URL('../../Dockerfile', import.meta.url))

export async function writeProductImage(file: string, reference: string): Promise<void> {
  const stage = readDockerfile(dockerfile).at(-1)
  if (stage === undefined) throw new Error('the Dockerfile has no stage')
  const root = mkdtempSync(join(tmpdir(), 'riposte-root-'))
  try {
    buildRoot(root)
    await writeImage(file, { reference, layers: [{ folder: root }], config: configOf(stage) })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
