/** Tests that need more than every machine has: skipped with the reason in the title, never silently passed. */
import { test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = new URL('..', import.meta.url).pathname

/** Each need answers why it is not met, or undefined when it is. */
const needsByName = {
  root: () => (process.getuid?.() === 0 ? undefined : 'not root'),
  ebpf: () => {
    if (!existsSync('/sys/kernel/btf/vmlinux')) return 'the kernel has no BTF'
    if (!mayLoadBpf()) return 'no CAP_BPF'
    return existsSync(join(root, 'build/riposte.node')) ? undefined : 'the addon is not built'
  },
  compiler: () => commandReason('gcc'),
  compat: () => compatReason(),
  redis: () => commandReason('redis-server'),
  openssl: () => commandReason('openssl'),
  postgresql: () => (existsSync('/usr/lib/postgresql') ? undefined : 'no PostgreSQL'),
  cluster: () => clusterReason(),
  shared: () => (sharedData() === undefined ? 'no ../shared/data' : undefined),
}
export type Need = keyof typeof needsByName

/** `needs('root', 'ebpf')('title', …)` is `test`, or a skipped test whose title ends in the reason. */
export function needs(...names: readonly Need[]): typeof test {
  const reason = reasonToSkip(...names)
  if (reason === undefined) return test
  // oxlint-disable-next-line jest/no-disabled-tests
  const skip = test.skip
  const skipped = (title: string, run?: Parameters<typeof test.skip>[1]) =>
    skip(`${title} (${reason})`, run ?? (() => undefined))
  return Object.assign(skipped, test)
}

/** Why these tests are skipped, for what they share and start before them; undefined when they run. */
export const reasonToSkip = (...names: readonly Need[]): string | undefined =>
  names.map((name) => needsByName[name]()).find((found) => found !== undefined)

/** The nearest `shared/data` above the repository: other people's files that only tests read. */
export function sharedData(): string | undefined {
  for (let folder = dirname(root); folder !== '/'; folder = dirname(folder)) {
    const found = join(folder, 'shared/data')
    if (existsSync(found)) return found
  }
  return undefined
}

/** Whether the kernel was built to run 32-bit code (CONFIG_IA32_EMULATION): then it has the entry for it. */
function compatReason(): string | undefined {
  if (process.arch !== 'x64') return 'only amd64 has int 0x80'
  const map = readFileSync('/proc/kallsyms', 'latin1')
  return /\b(?:entry_INT80_compat|asm_int80_emulation|do_int80_emulation)\b/.test(map)
    ? undefined
    : 'the kernel runs no 32-bit code'
}

/** What e2e/cluster/ runs or builds with, by the file or command that shows it is there. */
const clusterPrograms = [
  'containerd',
  'runc',
  'busybox',
  'iptables',
  'nft',
  'conntrack',
  'openssl',
  'ip',
  'nsenter',
  'setpriv',
  'unshare',
  'gcc',
]

/** A real Kubernetes: root, programs, network namespaces, control groups that can be made, and Go to build it once. */
function clusterReason(): string | undefined {
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

function goReason(): string | undefined {
  const { stdout } = spawnSync('go', ['version'], { encoding: 'utf8' })
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(stdout ?? '') ?? []
  if (major === undefined) return 'no go'
  const isEnough = Number(major) > 1 || Number(minor) >= 26
  return isEnough ? undefined : `go ${major}.${minor} is older than 1.26`
}

const commandReason = (command: string) =>
  spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined
    ? undefined
    : `no ${command}`

/** CAP_BPF is bit 39 and CAP_SYS_ADMIN, which stands for it, bit 21. */
function mayLoadBpf(): boolean {
  const [, hex = '0'] = /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  const effective = BigInt(`0x${hex}`)
  return ((effective >> 39n) | (effective >> 21n)) % 2n === 1n
}
