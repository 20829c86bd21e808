/** Whether this machine can run e2e/cluster/. Apart from needs.ts, which only a test may import. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What e2e/cluster/ runs or builds with, by the file or command that shows it is there. */
const clusterPrograms = [
  'containerd',
  'runc',
  'busybox',
  'iptables',
  'nft',
  'openssl',
  'ip',
  'nsenter',
  'setpriv',
  'unshare',
  'gcc',
]

/** Why no real Kubernetes can be started here: it takes root, programs, network namespaces, control groups that can be made, and Go to build it once. */
export function clusterReason(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root'
  const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  const missing = clusterPrograms.find(
    (name) => !folders.some((folder) => existsSync(join(folder, name))),
  )
  if (missing !== undefined) return `no ${missing}`
  if (!existsSync('/usr/lib/cni/ptp')) return 'no CNI plugins in /usr/lib/cni'
  if (spawnSync('unshare', ['--net', '--mount', 'true']).status !== 0)
    return 'no network or mount namespaces'
  return cgroupReason() ?? goReason()
}

function cgroupReason(): string | undefined {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  const trees = mounts
    .map((line) => line.split(' '))
    .filter(([, , type]) => type?.startsWith('cgroup'))
  if (trees.length === 0) return 'no control groups are mounted'
  const readOnly = trees.find(([, , , options]) => options?.split(',').includes('ro'))
  return readOnly === undefined ? undefined : `${readOnly[1]} is read-only`
}

/** What builds the programs of other projects. */
export function goReason(): string | undefined {
  const { stdout } = spawnSync('go', ['version'], { encoding: 'utf8' })
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(stdout ?? '') ?? []
  if (major === undefined) return 'no go'
  const isEnough = Number(major) > 1 || Number(minor) >= 26
  return isEnough ? undefined : `go ${major}.${minor} is older than 1.26`
}
