import { expect } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { callsOf } from './observe.ts'

const kernelTest = needs('root', 'ebpf', 'compiler')

kernelTest('calls by plain names tell the name and the directory where it starts', () => {
  const { calls, directory } = callsOf(
    ['mkdir', 'rmdir', 'link', 'symlink', 'rename', 'unlink', 'chmod', 'chdir', 'chroot'],
    `syscall(SYS_mkdir, "d", 0750); syscall(SYS_link, "act", "d/hard"); syscall(SYS_symlink, "/etc/shadow", "soft");
     syscall(SYS_rename, "d/hard", "moved"); syscall(SYS_chmod, "moved", 04755); syscall(SYS_unlink, "moved");
     syscall(SYS_unlink, "/no/such"); syscall(SYS_rmdir, "d"); chdir("/usr/lib"); chroot("../lib")`,
  )
  const here = { res: 0, dirpath: directory }
  expect(calls).toMatchObject([
    { ...here, name: 'mkdir', path: 'd', mode: 0o750 },
    { ...here, name: 'link', oldpath: 'act', newpath: 'd/hard' },
    { ...here, name: 'symlink', target: '/etc/shadow', linkpath: 'soft' },
    { ...here, name: 'rename', oldpath: 'd/hard', newpath: 'moved' },
    { ...here, name: 'chmod', filename: 'moved', mode: 0o4755 },
    { ...here, name: 'unlink', path: 'moved' },
    { res: -2, path: '/no/such', dirpath: undefined },
    { ...here, name: 'rmdir', path: 'd' },
    { res: 0, path: '/usr/lib', cwd: '/usr/lib' },
    // Seen from the new root the old directory is its own top.
    { res: 0, path: '../lib', dirpath: '/' },
  ])
})

kernelTest('calls by a directory’s descriptor tell that directory', () => {
  const { calls, directory } = callsOf(
    [
      'mkdirat',
      'linkat',
      'symlinkat',
      'renameat',
      'renameat2',
      'unlinkat',
      'fchmod',
      'fchmodat',
      'fchdir',
    ],
    `mkdirat(AT_FDCWD, "d", 0700); int d = open("d", O_DIRECTORY);
     linkat(AT_FDCWD, "act", d, "hard", AT_SYMLINK_FOLLOW); symlinkat("x", d, "soft");
     syscall(SYS_renameat, d, "hard", d, "a"); syscall(SYS_renameat2, d, "a", AT_FDCWD, "/no/such", 1);
     syscall(SYS_fchmodat, d, "a", 0600); fchmod(d, 0711); unlinkat(d, "soft", 0); fchdir(d)`,
  )
  const d = `${directory}/d`
  expect(calls).toMatchObject([
    { path: 'd', mode: 0o700, dirfd: -100, dirpath: directory },
    { oldpath: 'act', newpath: 'hard', flags: 0x400, olddirpath: directory, newdirpath: d },
    { target: 'x', linkpath: 'soft', dirpath: d },
    { oldpath: 'hard', newpath: 'a', olddirpath: d, newdirpath: d },
    { res: -2, flags: 1, olddirpath: d, newpath: '/no/such', newdirpath: undefined },
    { filename: 'a', mode: 0o600, dirpath: d },
    { mode: 0o711, path: d },
    { name: 'soft', dirpath: d, flags: 0 },
    { name: 'fchdir', cwd: d },
  ])
})

kernelTest('the newest chmod tells its flags', () => {
  const { calls, directory } = callsOf(
    ['fchmodat2'],
    `close(open("a", O_CREAT | O_RDWR, 0600)); symlink("a", "soft");
     syscall(452, AT_FDCWD, "a", 04755, 0); syscall(452, AT_FDCWD, "none", 0700, AT_SYMLINK_NOFOLLOW)`,
  )
  expect(calls).toMatchObject([
    { filename: 'a', mode: 0o4755, flags: 0, dirpath: directory },
    { res: expect.any(Number), filename: 'none', mode: 0o700, flags: 0x100 },
  ])
})
