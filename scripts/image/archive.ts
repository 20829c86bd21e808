/** An image as a file that `ctr images import`, `docker load` and `skopeo` take (docker-archive, one layer). */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ImageConfig } from './dockerfile.ts'

export interface ImageSource {
  /** Its file system. All of it belongs to root, whoever made it here. */
  readonly root: string
  /** Paths below the root that belong to another: `var/lib/riposte`. */
  readonly owned: { readonly user: number; readonly paths: readonly string[] }
  readonly config: Partial<ImageConfig>
  /** `riposte:0.1.0`; without a registry the runtime takes it for docker.io/library. */
  readonly reference: string
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** The same input gives the same bytes: names are sorted and times are zero. */
export async function writeArchive(file: string, source: ImageSource): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'riposte-image-'))
  try {
    const layer = join(work, 'layer.tar')
    packLayer(layer, source)
    const digest = await sha256(layer)
    mkdirSync(join(work, 'image', digest), { recursive: true })
    renameSync(layer, join(work, 'image', digest, 'layer.tar'))
    const config = JSON.stringify({
      architecture: architectures[process.arch],
      os: 'linux',
      config: source.config,
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
      history: [{ created: '1970-01-01T00:00:00Z' }],
    })
    const name = `${createHash('sha256').update(config).digest('hex')}.json`
    writeFileSync(join(work, 'image', name), config)
    const manifest = [
      { Config: name, RepoTags: [source.reference], Layers: [`${digest}/layer.tar`] },
    ]
    writeFileSync(join(work, 'image', 'manifest.json'), JSON.stringify(manifest))
    tar(
      '--create',
      '--owner=0',
      '--group=0',
      `--file=${file}`,
      `--directory=${join(work, 'image')}`,
      '.',
    )
  } finally {
    rmSync(work, { recursive: true })
  }
}

function packLayer(layer: string, { root, owned: { user, paths } }: ImageSource): void {
  const others = paths.map((path) => `--exclude=./${path}`)
  const place = [`--file=${layer}`, `--directory=${root}`]
  tar('--create', '--owner=0', '--group=0', ...place, ...others, '.')
  if (paths.length > 0)
    tar(
      '--append',
      `--owner=${user}`,
      `--group=${user}`,
      ...place,
      ...paths.map((path) => `./${path}`),
    )
}

function tar(...args: readonly string[]): void {
  execFileSync('tar', ['--sort=name', '--mtime=@0', '--numeric-owner', ...args])
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
