/** Tests that need more than every machine has: skipped with the reason in the title, never silently passed. */
import { test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { clusterReason, goReason } from './cluster-reason.ts'

const root = new URL('..', import.meta.url).pathname

/** Each need answers why it is not met, or undefined when it is. */
const needsByName = {
  full: () => (process.env['RIPOSTE_TESTS'] === 'full' ? undefined : 'npm run test:full'),
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
  containerd: () => commandReason('containerd') ?? commandReason('runc') ?? busyboxReason(),
  busybox: () => busyboxReason(),
  docker: () => commandReason('dockerd') ?? commandReason('docker'),
  podman: () => commandReason('podman'),
  protoc: () => commandReason('protoc'),
  postgresql: () => (existsSync('/usr/lib/postgresql') ? undefined : 'no PostgreSQL'),
  cluster: () => clusterReason(),
  go: () => goReason(),
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

const commandReason = (command: string) =>
  spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined
    ? undefined
    : `no ${command}`

/** Copied into images, where there is no library for it. */
const busyboxReason = () => (existsSync('/bin/busybox') ? undefined : 'no busybox')

/** CAP_BPF is bit 39 and CAP_SYS_ADMIN, which stands for it, bit 21. */
function mayLoadBpf(): boolean {
  const [, hex = '0'] = /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  const effective = BigInt(`0x${hex}`)
  return ((effective >> 39n) | (effective >> 21n)) % 2n === 1n
}
