import { expect } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { callsOf } from './observe.ts'

const kernelTest = needs('root', 'ebpf', 'compiler')

kernelTest('changes of user, group and session tell the ids that were asked for', () => {
  const { calls } = callsOf(
    [
      'setresgid',
      'setregid',
      'setgid',
      'setresuid',
      'setreuid',
      'setuid',
      'setsid',
      'setpgid',
      'prctl',
    ],
    `syscall(SYS_setresgid, -1, 7, -1); syscall(SYS_setregid, -1, 0); syscall(SYS_setgid, 0);
     syscall(SYS_setresuid, -1, 0, -1); syscall(SYS_setreuid, -1, 0); setsid(); setpgid(0, 1);
     prctl(PR_SET_NAME, "other name"); syscall(SYS_setuid, 65534); syscall(SYS_setuid, 0)`,
  )
  expect(calls).toMatchObject([
    { res: 0, rgid: -1, egid: 7, sgid: -1 },
    { rgid: -1, egid: 0 },
    { name: 'setgid', gid: 0 },
    { ruid: -1, euid: 0, suid: -1 },
    { name: 'setreuid', ruid: -1, euid: 0 },
    { name: 'setsid' },
    { res: -1, pid: 0, pgid: 1 },
    { option: 15, arg2_str: 'other name' },
    { name: 'setuid', res: 0, uid: 65534 },
    { name: 'setuid', res: -1, uid: 0 },
  ])
})

kernelTest('namespaces, mounts, tracing and the kernel’s own doors are told', () => {
  const { calls, directory } = callsOf(
    [
      'unshare',
      'setns',
      'mount',
      'umount2',
      'ptrace',
      'bpf',
      'init_module',
      'finit_module',
      'memfd_create',
      'userfaultfd',
      'io_uring_setup',
    ],
    `unshare(CLONE_NEWNS); setns(open("/proc/self/ns/net", 0), CLONE_NEWNET);
     mount(0, "/", 0, MS_REC | MS_PRIVATE, 0); mkdir("m", 0700); mount("none", "m", "tmpfs", MS_NOEXEC, 0); umount2("m", MNT_DETACH);
     ptrace(PTRACE_ATTACH, 1, 0, 0); syscall(SYS_bpf, 1, 0, 0); syscall(SYS_init_module, "not a module", 12, "a=1");
     int f = open("/etc/hostname", 0); syscall(SYS_finit_module, f, "b=2", 3); memfd_create("m", 1);
     syscall(SYS_userfaultfd, -1); int p[30] = {0, 0, 2}; syscall(SYS_io_uring_setup, 4, p)`,
  )
  expect(calls).toMatchObject([
    { res: 0, flags: 0x20000 },
    { res: 0, nstype: 0x40000000 },
    { dir: '/', flags: 0x44000 },
    { dev: 'none', dir: 'm', type: 'tmpfs', flags: 8, dirpath: directory },
    { res: 0, flags: 2, dirpath: directory },
    { request: 16, pid: 1 },
    { cmd: 1 },
    { length: 12, uargs: 'a=1', img: new Uint8Array(Buffer.from('not a module')) },
    { uargs: 'b=2', flags: 3, path: '/etc/hostname' },
    { name: 'm', flags: 1 },
    { res: -22, flags: 0xffff_ffff },
    { entries: 4 },
  ])
})

kernelTest('giving up capabilities tells which are left', () => {
  const { calls } = callsOf(
    ['capset'],
    `unsigned header[2] = {0x20080522, 0}, sets[6] = {1, 5, 4, 0, 0, 0};
     syscall(SYS_capset, header, sets); sets[1] = 7; syscall(SYS_capset, header, sets)`,
  )
  const left = { cap_inheritable: 4, cap_permitted: 5, cap_effective: 1 }
  expect(calls).toMatchObject([
    { res: 0, ...left },
    { res: -1, ...left },
  ])
})
