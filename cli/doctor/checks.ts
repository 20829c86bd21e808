/** The list of checks, in the order they are printed. */
import { ScopeRefused } from '../../detector/scope/scope.ts'
import { type Check, ok, problem, warning } from './check.ts'

/** <linux/capability.h>: what the detector uses, with the reason. */
const capabilities = [
  { bit: 39, name: 'BPF', isNeeded: true, use: 'load programs' },
  { bit: 38, name: 'PERFMON', isNeeded: true, use: 'attach tracing programs' },
  { bit: 19, name: 'SYS_PTRACE', isNeeded: true, use: 'read /proc of every process' },
  { bit: 5, name: 'KILL', isNeeded: false, use: 'kill_process, freeze' },
  { bit: 12, name: 'NET_ADMIN', isNeeded: false, use: 'block_network' },
] as const

const kernel: Check = ({ read }) => {
  const release = read('/proc/sys/kernel/osrelease')?.trim() ?? 'unknown'
  const [major = 0, minor = 0] = release.split('.').map(Number.parseFloat)
  return major > 5 || (major === 5 && minor >= 15)
    ? ok(release)
    : problem(release, 'live detection needs Linux 5.15 or newer: upgrade the kernel')
}

const btf: Check = ({ exists }) =>
  exists('/sys/kernel/btf/vmlinux')
    ? ok('/sys/kernel/btf/vmlinux')
    : problem(
        'missing',
        'use a kernel built with CONFIG_DEBUG_INFO_BTF=y (all current distributions)',
      )

const privileges: Check = ({ read, isRoot }) => {
  const mask = BigInt(
    `0x${/CapEff:\s*([0-9a-f]+)/.exec(read('/proc/self/status') ?? '')?.[1] ?? '0'}`,
  )
  const missing = capabilities.filter(({ bit }) => (mask & (1n << BigInt(bit))) === 0n)
  const needed = missing.filter(({ isNeeded }) => isNeeded).map(({ name }) => name)
  if (needed.length > 0)
    return problem(
      `without ${needed.join(', ')}`,
      isRoot
        ? 'the container or service takes them away: add them'
        : 'run it as root: sudo riposte …',
    )
  const others = missing.filter(({ isNeeded }) => !isNeeded)
  if (others.length === 0) return ok('all that the detector uses')
  const uses = others.map(({ name, use }) => `${name} (${use})`).join(', ')
  return warning(`without ${uses}`, 'add them if you want what they are for')
}

const built: Check = ({ exists, projectRoot }) => {
  const missing = ['riposte.node', 'riposte.bpf.o'].filter(
    (name) => !exists(`${projectRoot}/build/${name}`),
  )
  return missing.length === 0
    ? ok('addon and BPF object')
    : problem(`build/${missing.join(' and build/')} missing`, 'run npm run setup (or make)')
}

const tracefs: Check = ({ exists }) =>
  ['/sys/kernel/tracing/events', '/sys/kernel/debug/tracing/events'].some(exists)
    ? ok('mounted')
    : ok('not mounted; the detector opens its own where it may, else uses tp_btf')

const lsm: Check = ({ read }) => {
  const list = read('/sys/kernel/security/lsm')?.trim()
  if (list === undefined)
    return ok('not visible; strikes kill inside the call, they cannot refuse it')
  return list.split(',').includes('bpf')
    ? ok('BPF LSM is there: calls can be refused')
    : ok('no BPF LSM: strikes kill inside the call, they cannot refuse it')
}

const cgroups: Check = ({ read }) => {
  const mounts = read('/proc/self/mountinfo') ?? ''
  const unified = / - cgroup2 /.test(mounts)
  const freezer = / - cgroup .*\bfreezer\b/.test(mounts)
  if (!unified)
    return warning(
      'no cgroup v2 tree',
      'mount it (mount -t cgroup2 none /sys/fs/cgroup/unified): block_network needs it',
    )
  return ok(freezer ? 'v2 with a v1 freezer beside it' : 'v2')
}

const scope: Check = (machine) => {
  try {
    const { name, level } = machine.scope()
    return ok(level === 0 ? 'the whole machine' : `cgroup ${name}: the node shares this kernel`)
  } catch (error) {
    if (!(error instanceof ScopeRefused)) throw error
    return problem(error.message, 'set riposte.scope, or mount the host cgroups at cgroup_root')
  }
}

const redis: Check = ({ which }) => {
  const path = which('redis-server')
  return path === undefined
    ? problem(
        'no redis-server on PATH',
        'apt install redis-server, or set REDIS_URL to one of yours',
      )
    : ok(path)
}

const syslogger: Check = ({ which }) =>
  which('logger') === undefined
    ? warning('no logger on PATH', 'apt install bsdutils if you want the syslog output to /dev/log')
    : ok('logger')

/** Both are read: by the responder for actions and tokens, by a detector for its pods and the responder's CA. */
const serviceAccount: Check = ({ exists, read }) => {
  const mount = '/var/run/secrets/kubernetes.io/serviceaccount'
  if (!exists('/var/run/secrets/kubernetes.io')) return ok('not in a pod with a service account')
  const missing = ['token', 'ca.crt'].filter((name) => !exists(`${mount}/${name}`))
  return missing.length === 0
    ? ok(`of namespace ${read(`${mount}/namespace`)?.trim() ?? 'unknown'}`)
    : problem(
        `${missing.join(' and ')} missing in ${mount}`,
        'let the pod have its token (automountServiceAccountToken: true, or a projected volume)',
      )
}

const GIB = 1024 ** 3

const disk: Check = ({ freeBytes, data }) => {
  const free = freeBytes()
  const found = `${(free / GIB).toFixed(1)} GiB free for ${data}`
  return free > GIB ? ok(found) : warning(found, 'keep 1 GiB free for spools, ledger and evidence')
}

export const checks: readonly (readonly [name: string, check: Check])[] = [
  ['kernel', kernel],
  ['BTF', btf],
  ['capabilities', privileges],
  ['build', built],
  ['tracefs', tracefs],
  ['LSM', lsm],
  ['cgroups', cgroups],
  ['scope', scope],
  ['Redis', redis],
  ['syslog', syslogger],
  ['service account', serviceAccount],
  ['disk', disk],
]
