/** Images for tests, made here: a docker-archive with one layer, as `ctr images import` takes it. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** Applets of busybox that attacks in tests are made of. */
const applets = [
  'sh', 'cat', 'ls', 'sleep', 'echo', 'touch', 'cp', 'mv', 'rm', 'mkdir', 'chmod', 'ln', 'wget', 'nc', 'mount', 'dd',
  'id', 'true', 'kill', 'sed', 'grep', 'find', 'ps', 'adduser', 'tar', 'hostname', 'rmdir', 'base64', 'vi',
  'arping', 'insmod', 'unshare', 'env', 'setsid',
] as const // prettier-ignore

/** Programs that rules know by name; busybox says that it is none of them, but has been executed by then. */
const names = ['debugfs', 'nmap', 'scp', 'kubectl', 'curl', 'apk', 'rsync', 'socat'] as const

/** A container that does nothing but wait: what a sandbox needs. */
const pauseSource = 'int main(void) { for (;;) pause(); }\n'

export function makePauseImage(folder: string, reference: string): string {
  const root = join(folder, 'pause-root')
  mkdirSync(root, { recursive: true })
  writeFileSync(join(folder, 'pause.c'), `#include <unistd.h>\n${pauseSource}`)
  execFileSync('gcc', ['-static', '-Os', '-o', join(root, 'pause'), join(folder, 'pause.c')])
  return archive(folder, reference, root, ['/pause'])
}

export function makeBusyboxImage(folder: string, reference: string): string {
  const root = mkdtempSync(join(folder, 'busybox-'))
  chmodSync(root, 0o755)
  for (const path of ['bin', 'tmp', 'etc', 'root', 'proc', 'sys', 'dev', 'usr/bin', 'var/run'])
    mkdirSync(join(root, path), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  for (const applet of [...applets, ...names]) symlinkSync('busybox', join(root, 'bin', applet))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(root, 'etc/shadow'), 'root:!:1::::::\n', { mode: 0o600 })
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n')
  return archive(folder, reference, root, ['/bin/sh'])
}

function archive(folder: string, reference: string, root: string, entrypoint: readonly string[]) {
  const name = reference.replaceAll(/[^a-z0-9]/g, '-')
  const work = join(folder, `${name}-archive`)
  mkdirSync(work, { recursive: true })
  const layer = join(work, 'layer.tar')
  execFileSync('tar', ['--owner=0', '--group=0', '-C', root, '-cf', layer, '.'])
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {
      Env: ['PATH=/bin:/usr/bin:/sbin:/usr/sbin'],
      Entrypoint: entrypoint,
      Labels: { reference },
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(readFileSync(layer))}`] },
  })
  const configName = `${sha256(Buffer.from(config))}.json`
  writeFileSync(join(work, configName), config)
  const manifest = [{ Config: configName, RepoTags: [reference], Layers: ['layer.tar'] }]
  writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest))
  const file = join(folder, `${name}.tar`)
  execFileSync('tar', ['-C', work, '-cf', file, 'manifest.json', configName, 'layer.tar'])
  return file
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
