/** The images that every cluster has: pause, busybox for test pods, CoreDNS. Made once from this machine's programs. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './command.ts'
import { writeImage, type ImageConfig } from './image-archive.ts'
import { exclusively } from './lock.ts'
import type { ClusterTools } from './tools.ts'

export const references = {
  pause: 'riposte.test/pause:1',
  /** Every applet of busybox-static, and `look-up NAME` in place of its nslookup. */
  busybox: 'riposte.test/busybox:1',
  coredns: 'riposte.test/coredns:1',
} as const

type ImageName = keyof typeof references

const sources = join(import.meta.dirname, 'image-sources')
const busybox = '/usr/bin/busybox'

interface Recipe {
  readonly fill: (root: string, tools: ClusterTools) => Promise<void>
  readonly config: ImageConfig
}

const recipes: Readonly<Record<ImageName, Recipe>> = {
  pause: {
    fill: (root) => compile('pause.c', join(root, 'pause')),
    config: { entrypoint: ['/pause'], user: '65535:65535' },
  },
  busybox: { fill: fillBusybox, config: { command: ['sh'] } },
  coredns: {
    fill: (root, tools) => copyFile(tools.path('coredns'), join(root, 'coredns')),
    config: { entrypoint: ['/coredns'] },
  },
}

/** Paths of their archives. */
export async function baseImages(tools: ClusterTools): Promise<string[]> {
  const folder = join(tools.images, await keyOf())
  const paths = (Object.keys(recipes) as ImageName[]).map(
    (name) => [name, join(folder, `${name}.tar`)] as const,
  )
  await exclusively('cluster-images', async () => {
    for (const [name, path] of paths) if (!existsSync(path)) await make(name, path, tools)
  })
  return paths.map(([, path]) => path)
}

async function make(name: ImageName, path: string, tools: ClusterTools): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'riposte-root-'))
  const { fill, config } = recipes[name]
  try {
    await chmod(root, 0o755)
    await fill(root, tools)
    await writeImage(path, { reference: references[name], layers: [{ folder: root }], config })
  } finally {
    await rm(root, { recursive: true })
  }
}

async function fillBusybox(root: string): Promise<void> {
  for (const folder of ['bin', 'etc', 'root', 'tmp', 'usr', 'var']) await mkdir(join(root, folder))
  await chmod(join(root, 'tmp'), 0o1777)
  await copyFile(busybox, join(root, 'bin/busybox'))
  const applets = (await must(busybox, ['--list'])).split('\n')
  for (const applet of applets.filter((name) => name !== '' && name !== 'busybox'))
    await symlink('busybox', join(root, 'bin', applet))
  await symlink('/bin', join(root, 'usr/bin'))
  await symlink('/bin', join(root, 'sbin'))
  await compile('look-up.c', join(root, 'bin/look-up'), '-lresolv')
  await writeFile(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
  )
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n')
  await writeFile(join(root, 'etc/shadow'), 'root:*:19000:0:99999:7:::\n', { mode: 0o640 })
}

const compile = async (source: string, path: string, ...libraries: readonly string[]) => {
  const input = join(sources, source)
  await must('gcc', ['-static', '-Os', '-s', '-Wall', '-Werror', '-o', path, input, ...libraries])
}

/** Another recipe, or another busybox, makes other images. */
async function keyOf(): Promise<string> {
  const hash = createHash('sha256')
  const here = ['images.ts', 'image-archive.ts'].map((name) => join(import.meta.dirname, name))
  const compiled = ['pause.c', 'look-up.c'].map((name) => join(sources, name))
  for (const file of [...here, ...compiled, busybox]) hash.update(await readFile(file))
  return hash.digest('hex').slice(0, 16)
}
