import { expect, test } from '@jest/globals'
import { recordFlags } from '../events/schema.ts'
import { eventFrom, testState, valueOf } from './testing.ts'

const failedChmod = eventFrom(
  testState(),
  { event: 'setsid', pid: 5, timeNs: 1_000_000_000n },
  {
    event: 'fchmodat',
    pid: 5,
    cpu: 3,
    timeNs: 3_000_000_042n,
    flags: recordFlags.compat | recordFlags.ioUring,
    parameters: { res: -13, dirfd: -100, filename: '/etc/x', mode: 0o4711 },
  },
)

test.each([
  ['evt.num', 2],
  ['evt.type', 'fchmodat'],
  ['evt.type.is.fchmodat', 1],
  ['evt.type.is[open]', 0],
  ['syscall.type', 'fchmodat'],
  ['evt.category', 'file'],
  ['evt.cpu', 3],
  ['evt.res', 'EACCES'],
  ['evt.rawres', -13],
  ['evt.failed', true],
  ['evt.count', 1],
  ['evt.count.error', 1],
  ['evt.count.error.file', 1],
  ['evt.count.error.net', undefined],
  ['evt.count.error.memory', undefined],
  ['evt.count.error.other', undefined],
  ['evt.count.exit', 1],
  ['evt.is_io', false],
  ['evt.is_io_read', false],
  ['evt.is_io_write', false],
  ['evt.io_dir', undefined],
  ['evt.is_wait', false],
  ['evt.is_syslog', false],
  ['evt.is_open_read', false],
  ['evt.dir', '<'],
  ['evt.latency', 0n],
  ['evt.latency.s', 0n],
  ['evt.latency.ns', 0n],
  ['evt.latency.human', '0ns'],
  ['evt.wait_latency', 0n],
  ['evt.around[1404996934793590564]', undefined],
  ['evt.buffer', undefined],
  ['evt.buflen', undefined],
  ['evt.is_compat', true],
  ['evt.is_io_uring', true],
  ['evt.is_struck', false],
  ['evt.is_thread', undefined],
  ['evt.arg.mode', 'S_IXOTH|S_IXGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID'],
  ['evt.rawarg.mode', 0o4711],
  ['evt.arg.res', 'EACCES'],
  ['evt.arg[2]', '/etc/x'],
  ['evt.arg[9]', undefined],
  ['evt.arg.request', undefined],
  [
    'evt.info',
    'res=-13(EACCES) dirfd=-100(AT_FDCWD) filename=/etc/x ' +
      'mode=04711(S_IXOTH|S_IXGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID)',
  ],
  ['evt.hostname', 'node-1'],
  ['evt.source', 'syscall'],
  ['evt.is_async', false],
  ['evt.rawtime', 1_795_251_603_000_000_042n],
  ['evt.rawtime.s', 1_795_251_603n],
  ['evt.rawtime.ns', 42n],
  ['evt.reltime', 2_000_000_042n],
  ['evt.reltime.s', 2n],
  ['evt.reltime.ns', 42n],
  ['evt.deltatime', 2_000_000_042n],
  ['evt.deltatime.s', 2n],
  ['evt.deltatime.ns', 42n],
  ['evt.time.iso8601', '2026-11-21T09:00:03.000000042+0000'],
  ['evt.time', expect.stringMatching(/^\d\d:\d\d:03\.000000042$/)],
  ['evt.time.s', expect.stringMatching(/^\d\d:\d\d:03$/)],
  ['evt.datetime', expect.stringMatching(/^2026-11-\d\d \d\d:\d\d:03\.000000042$/)],
  ['evt.datetime.s', expect.stringMatching(/^2026-11-\d\d \d\d:\d\d:03$/)],
])('%s of a chmod that failed is %j', (field, expected) => {
  expect(valueOf(failedChmod, field)).toEqual(expected)
})

test.each([
  ['ptrace', { res: 0, request: 16, pid: 1 }, 'request', 'PTRACE_ATTACH'],
  ['ptrace', { res: 0, request: 0x4206 }, 'request', 'PTRACE_SEIZE'],
  ['bpf', { fd: 5, cmd: 5 }, 'cmd', 'BPF_PROG_LOAD'],
  ['bpf', { fd: 5, cmd: 10 }, 'cmd', 'BPF_PROG_TEST_RUN|BPF_PROG_RUN'],
  ['setns', { res: 0, nstype: 0x2000_0000 }, 'nstype', 'CLONE_NEWPID'],
  ['unshare', { res: 0, flags: 0x1002_0000 }, 'flags', 'CLONE_NEWNS|CLONE_NEWUSER'],
  ['execve', { res: 0, flags: 6 }, 'flags', 'EXE_UPPER_LAYER|EXE_FROM_MEMFD'],
  ['openat', { fd: 3, flags: 0o1102, mode: 0o600 }, 'flags', 'O_TRUNC|O_CREAT|O_RDWR'],
  ['openat', { fd: 3, flags: 0o1, mode: 0o600 }, 'mode', '0600'],
  ['dup3', { res: 3, flags: 0o2000000 }, 'flags', 'O_CLOEXEC'],
  ['socket', { fd: 3, flags: 0 }, 'flags', 'O_NONE'],
  ['mkdir', { res: 0, mode: 0o777 }, 'mode', '1FF'],
  ['linkat', { res: 0, flags: 0x1400 }, 'flags', 'AT_SYMLINK_FOLLOW|AT_EMPTY_PATH'],
  ['unlinkat', { res: 0, flags: 0x200 }, 'flags', 'AT_REMOVEDIR'],
  ['renameat2', { res: 0, flags: 2 }, 'flags', 'RENAME_EXCHANGE'],
  ['mount', { res: 0, flags: 0x1001 }, 'flags', 'RDONLY|BIND'],
  ['umount2', { res: 0, flags: 2 }, 'flags', 'DETACH'],
  ['memfd_create', { fd: 3, name: 'x', flags: 1 }, 'flags', 'MFD_CLOEXEC'],
  ['memfd_create', { fd: 3, name: 'x', flags: 1 }, 'name', 'x'],
  ['openat2', { fd: 3, resolve: 8 }, 'resolve', 'RESOLVE_BENEATH'],
  ['prctl', { res: 0, option: 15 }, 'option', 'PR_SET_NAME'],
  ['setuid', { res: 0, uid: 0 }, 'uid', 'root'],
  ['setuid', { res: 0, uid: 54_321 }, 'uid', '<NA>'],
  ['setresuid', { res: 0, euid: -1 }, 'euid', '<NONE>'],
  ['setgid', { res: 0, gid: 0 }, 'gid', 'root'],
  ['procexit', { sig: 9 }, 'sig', 'SIGKILL'],
  ['capset', { res: 0, cap_effective: 255n }, 'cap_effective', 'FF'],
  ['execve', { res: 0, args: ['a', 'b c\u00e9'] }, 'args', 'a.b c...'],
  ['finit_module', { res: 0, fd: 3, path: '/x.ko' }, 'fd', '<f>/x.ko'],
  ['openat', { fd: 3, name: undefined }, 'name', '<NA>'],
  ['sendto', { res: 3 }, 'data', 'NULL'],
])('%s with %j: evt.arg.%s is %s', (name, parameters, parameter, expected) => {
  const event = eventFrom(testState(), { event: name, pid: 5, parameters })
  expect(valueOf(event, `evt.arg.${parameter}`)).toBe(expected)
})

test('a pid in a parameter is shown as the name of that process', () => {
  const state = testState()
  const event = eventFrom(
    state,
    { event: 'execve', pid: 8, startTimeNs: 8n, parameters: { res: 0, comm: 'sshd' } },
    { event: 'ptrace', pid: 9, parameters: { res: 0, request: 16, pid: 8 } },
  )
  expect(valueOf(event, 'evt.arg.pid')).toBe('sshd')
  expect(valueOf(event, 'evt.rawarg.pid')).toBe(8)
})

test.each([
  ['connect', 'net'],
  ['clone', 'process'],
  ['setuid', 'user'],
  ['memfd_create', 'memory'],
  ['bpf', 'other'],
])('the category of %s is %s', (name, expected) => {
  expect(valueOf(eventFrom(testState(), { event: name, pid: 1 }), 'evt.category')).toBe(expected)
})

test('the end of a process is no system call and has no result', () => {
  const end = eventFrom(testState(), { event: 'procexit', pid: 1, parameters: { ret: 1 } })
  expect(valueOf(end, 'evt.type')).toBe('procexit')
  for (const field of ['syscall.type', 'evt.res', 'evt.rawres', 'evt.failed', 'evt.count.error'])
    expect([field, valueOf(end, field)]).toEqual([field, undefined])
})

test('a struck call says so', () => {
  const struck = eventFrom(testState(), { event: 'setsid', pid: 1, flags: recordFlags.struck })
  expect(valueOf(struck, 'evt.is_struck')).toBe(true)
})
