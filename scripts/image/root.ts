/**
 * Everything that the image holds: its last stage is empty but for this. The Dockerfile runs it in a Debian of its own,
 * the tests on the machine that they run on; so what is tested is what is shipped, but for the versions of Debian's libraries.
 *
 *     node scripts/image/root.ts DIRECTORY
 */
import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copyApplication } from './application.ts'
import { copyPrograms } from './debian.ts'
import { copyModules } from './modules.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** Who runs in it unless told otherwise; Debian's and distroless' number for nobody in particular. */
export const user = 65_532

/** `env` for the command's first line; `find` and `false` for the probe that looks at the age of a file. No shell. */
const programs = ['/usr/bin/env', '/usr/bin/find', '/usr/bin/false']

const accounts = {
  'etc/passwd': `root:x:0:0:root:/root:/usr/sbin/nologin\nriposte:x:${user}:${user}:Riposte:/var/lib/riposte:/usr/sbin/nologin\n`,
  'etc/group': `root:x:0:\nriposte:x:${user}:\n`,
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}

export function buildRoot(root: string): void {
  rmSync(root, { recursive: true, force: true })
  baseOf(root)
  const application = join(root, 'opt/riposte')
  copyApplication(repository, application)
  copyModules(repository, application)
  const node = join(root, 'usr/bin/node')
  copyFileSync(join(repository, `node_modules/node-linux-${process.arch}/bin/node`), node)
  chmodSync(node, 0o755)
  symlinkSync('/opt/riposte/cli/riposte.js', join(root, 'usr/bin/riposte'))
  chmodSync(join(application, 'cli/riposte.js'), 0o755)
  copyPrograms(root, programs, [node, join(application, 'build/riposte.node')])
}

/** Directories, accounts and certificates: what every image of the project starts from. */
export function baseOf(root: string): void {
  for (const name of ['lib', 'lib64', 'bin', 'sbin']) {
    mkdirSync(join(root, 'usr', name), { recursive: true })
    symlinkSync(`usr/${name}`, join(root, name))
  }
  for (const name of ['proc', 'sys', 'dev', 'run', 'root', 'etc/riposte'])
    mkdirSync(join(root, name), { recursive: true })
  // Whoever it runs as: the data directory is for a trial without a volume.
  for (const name of ['tmp', 'var/lib/riposte']) {
    mkdirSync(join(root, name), { recursive: true })
    chmodSync(join(root, name), 0o1777)
  }
  for (const [name, text] of Object.entries(accounts)) writeFileSync(join(root, name), text)
  const certificates = 'etc/ssl/certs/ca-certificates.crt'
  mkdirSync(dirname(join(root, certificates)), { recursive: true })
  copyFileSync(`/${certificates}`, join(root, certificates))
}

if (import.meta.main) {
  const [, , directory] = process.argv
  if (directory === undefined) throw new Error('name the directory to fill')
  process.umask(0o022)
  buildRoot(directory)
}
