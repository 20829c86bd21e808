/** Writes container images without a builder or a registry: archives that `ctr images import` and `docker load` take. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { must } from './command.ts'

/** A folder that becomes `/` of the image, over the layers before it. */
export interface Layer {
  readonly folder: string
  /** `uid:gid` of all that is in it; root's where left out. */
  readonly owner?: string
}

export interface ImageConfig {
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** `uid` or `uid:gid`. */
  readonly user?: string
  readonly workingDirectory?: string
  readonly labels?: Readonly<Record<string, string>>
  /** Such as `8080/tcp`. */
  readonly ports?: readonly string[]
}

export interface ImageSource {
  /** With a registry's name, so that nothing is added to it: `riposte.test/busybox:1`. */
  readonly reference: string
  readonly layers: readonly Layer[]
  readonly config?: ImageConfig
}

export interface WrittenImage {
  readonly reference: string
  readonly path: string
  /** `sha256:` of the configuration: the image's id, and the CRI's. */
  readonly id: string
  /** `sha256:` of each layer, uncompressed. */
  readonly layers: readonly string[]
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The same files give the same bytes: names are sorted, times are the epoch. */
export async function writeImage(path: string, image: ImageSource): Promise<WrittenImage> {
  await mkdir(dirname(path), { recursive: true })
  const staging = await mkdtemp(join(tmpdir(), 'riposte-image-'))
  try {
    const digests: string[] = []
    for (const layer of image.layers) digests.push(await addLayer(staging, layer))
    const config = JSON.stringify(configOf(image.config ?? {}, digests))
    const id = createHash('sha256').update(config).digest('hex')
    await writeFile(join(staging, `${id}.json`), config)
    const manifest = {
      Config: `${id}.json`,
      RepoTags: [image.reference],
      Layers: digests.map((digest) => `${digest}/layer.tar`),
    }
    await writeFile(join(staging, 'manifest.json'), JSON.stringify([manifest]))
    const partial = `${path}.partial-${process.pid}`
    await tar(partial, { folder: staging })
    await rename(partial, path)
    const layers = digests.map((digest) => `sha256:${digest}`)
    return { reference: image.reference, path, id: `sha256:${id}`, layers }
  } finally {
    await rm(staging, { recursive: true })
  }
}

/** Returns the layer's digest. */
async function addLayer(staging: string, layer: Layer): Promise<string> {
  const made = join(staging, 'layer.tar')
  await tar(made, layer)
  const hash = createHash('sha256')
  await pipeline(createReadStream(made), hash)
  const digest = hash.digest('hex')
  await mkdir(join(staging, digest), { recursive: true })
  await rename(made, join(staging, digest, 'layer.tar'))
  return digest
}

async function tar(path: string, { folder, owner = '0:0' }: Layer): Promise<void> {
  const [uid = '0', gid = uid] = owner.split(':')
  const ownership = ['--numeric-owner', `--owner=${uid}`, `--group=${gid}`]
  const fixed = ['--sort=name', '--mtime=@0', '--format=gnu', ...ownership]
  await must('tar', [...fixed, '-C', folder, '-cf', path, '.'])
}

function configOf(config: ImageConfig, digests: readonly string[]): object {
  const env = { PATH: defaultPath, ...config.env }
  return {
    architecture: architectures[process.arch],
    os: 'linux',
    config: {
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...(config.entrypoint && { Entrypoint: config.entrypoint }),
      ...(config.command && { Cmd: config.command }),
      ...(config.user && { User: config.user }),
      ...(config.workingDirectory && { WorkingDir: config.workingDirectory }),
      ...(config.labels && { Labels: config.labels }),
      ...(config.ports && {
        ExposedPorts: Object.fromEntries(config.ports.map((port) => [port, {}])),
      }),
    },
    rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
    history: digests.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'riposte' })),
  }
}
