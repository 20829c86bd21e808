/** Synthetic events: the values of their fields, drawn so that rules come near to matching and sometimes do. */
import type { FieldValue } from '../fields/index.ts'
import type { Values } from './fields.fixture.ts'

/** A small generator of numbers (mulberry32), so that a seed names a run. */
export function newRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const paths = [
  '/usr/lib/x86_64-linux-gnu/libc.so.6', '/etc/ld.so.cache', '/proc/self/status', '/var/log/syslog', '/dev/null',
  '/home/ana/project/src/index.ts', '/usr/share/locale/locale.alias', '/tmp/cache/a1b2', '/var/lib/app/data.db',
  '/sys/fs/cgroup/memory.max', '/usr/bin/python3', '/srv/www/index.html',
] // prettier-ignore
const odd = ['/etc/shadow', '/root/.ssh/id_rsa', '/etc/cron.d/job', '/dev/shm/x', '/bin/tool', '/etc/passwd'] // prettier-ignore
const names = ['node', 'nginx', 'postgres', 'python3', 'systemd', 'java', 'sshd', 'cron', 'git', 'containerd'] // prettier-ignore
const oddNames = ['bash', 'sh', 'nc', 'curl', 'apt-get', 'vi', 'dpkg'] // prettier-ignore
const ips = ['10.1.2.3', '192.168.7.9', '140.82.112.4', '127.0.0.1', '2001:db8::1'] // prettier-ignore

/** 40 % openat, 10 % execve, 10 % connect, 40 % others, as the figures were taken. */
const otherNames = ['unlinkat', 'sendto', 'dup', 'socket', 'accept4', 'clone', 'mkdir', 'renameat', 'chmod', 'setuid'] // prettier-ignore

export interface SyntheticEvent {
  readonly name: string
  readonly values: Values
}

export function drawEvent(random: () => number): SyntheticEvent {
  const pick = <T>(items: readonly [T, ...T[]] | readonly T[], fallback: T): T =>
    items[Math.floor(random() * items.length)] ?? fallback
  const roll = random()
  const name =
    roll < 0.4 ? 'openat' : roll < 0.5 ? 'execve' : roll < 0.6 ? 'connect' : pick(otherNames, 'dup')
  const maybe = (value: FieldValue, share: number): FieldValue =>
    random() < share ? value : undefined
  const program = pick(random() < 0.9 ? names : oddNames, 'node')
  const parent = pick(random() < 0.8 ? names : oddNames, 'systemd')
  const path = pick(random() < 0.92 ? paths : odd, '/dev/null')
  const socket = name === 'connect' || name === 'sendto' || name === 'accept4'
  const client = pick(ips, '10.1.2.3')
  const server = pick(ips, '127.0.0.1')
  const port = pick([443, 22, 53, 5432, 6379, 8080], 443)
  const isWrite = random() < 0.15
  return {
    name,
    values: {
      'evt.type': name, 'evt.num': 1 + Math.floor(random() * 1e6), 'evt.rawres': random() < 0.9 ? 0 : -13,
      'evt.res': random() < 0.9 ? 'SUCCESS' : 'EACCES', 'evt.is_open_read': name === 'openat' && !isWrite,
      'evt.is_open_write': name === 'openat' && isWrite, 'evt.is_open_exec': false,
      'evt.arg.flags': pick(['O_RDONLY|O_CLOEXEC', 'EXE_WRITABLE', 'CLONE_NEWNS'], 'O_RDONLY'),
      'evt.arg.path': path, 'evt.arg.name': path, 'evt.arg.newpath': path, 'evt.arg.oldpath': path,
      'evt.arg.target': maybe(path, 0.5), 'evt.arg.mode': 'S_IXUSR', 'evt.arg.request': 'PTRACE_PEEKDATA',
      'evt.buffer': maybe(new Uint8Array([1, 2, 3]), 0.1), 'evt.time': 1_700_000_000_000_000_000n,
      'fd.num': random() < 0.95 ? 7 : -2, 'fd.name': socket ? `${client}:4000->${server}:${port}` : path,
      'fd.directory': path.slice(0, path.lastIndexOf('/')), 'fd.filename': path.slice(path.lastIndexOf('/') + 1),
      'fd.nameraw': path, 'fd.type': socket ? 'ipv4' : 'file', 'fd.typechar': socket ? '4' : 'f',
      'fd.l4proto': maybe('tcp', socket ? 1 : 0), 'fd.sockfamily': maybe('ip', socket ? 1 : 0),
      'fd.ip': socket ? [client, server] : undefined, 'fd.net': socket ? [client, server] : undefined,
      'fd.port': socket ? [4000, port] : undefined, 'fd.sport': maybe(port, socket ? 1 : 0), 'fd.rport': maybe(port, socket ? 1 : 0),
      'fd.sip': maybe(server, socket ? 1 : 0), 'fd.cip': maybe(client, socket ? 1 : 0), 'fd.rip': maybe(server, socket ? 1 : 0),
      'fd.snet': maybe(server, socket ? 1 : 0), 'fd.rnet': maybe(server, socket ? 1 : 0), 'fd.cnet': maybe(client, socket ? 1 : 0),
      'fd.connected': socket, 'fd.name_changed': true,
      'proc.name': program, 'proc.pname': parent, 'proc.sname': 'systemd', 'proc.args': pick(['-c ls', '--version', ''], ''),
      'proc.cmdline': `${program} -c ls`, 'proc.pcmdline': `${parent} -D`, 'proc.exe': `/usr/bin/${program}`,
      'proc.exepath': `/usr/bin/${program}`, 'proc.pexe': parent, 'proc.pexepath': `/usr/bin/${parent}`, 'proc.cwd': '/srv/',
      'proc.env': 'PATH=/usr/bin HOME=/root', 'proc.tty': random() < 0.1 ? 34_816 : 0, 'proc.vpid': 77, 'proc.duration': 5_000_000_000n,
      'proc.aname': [parent, 'systemd'], 'proc.aname[2]': 'systemd', 'proc.aname[3]': undefined, 'proc.aname[4]': undefined,
      'proc.cmdargs': ['-c', 'ls'], 'proc.is_exe_upper_layer': random() < 0.02, 'proc.is_exe_from_memfd': random() < 0.01,
      'proc.is_vpgid_leader': random() < 0.5, 'thread.cap_permitted': 'CAP_SYS_ADMIN', 'thread.cap_effective': '',
      'user.name': random() < 0.5 ? 'root' : 'ana', 'user.uid': random() < 0.5 ? 0 : 1000, 'user.loginuid': -1,
      'user.loginname': '<NA>', 'group.name': 'root', 'group.gid': 0,
      'container.id': random() < 0.6 ? 'host' : '0123456789ab', 'container.image.repository': maybe('docker.io/library/redis', 0.4),
      'container.privileged': maybe(random() < 0.2, 0.4), 'k8s.ns.name': maybe('kube-system', 0.2), 'k8s.pod.name': maybe('web-0', 0.2),
    },
  } // prettier-ignore
}
