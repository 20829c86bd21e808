import { expect } from '@jest/globals'
import { readFileSync, statSync } from 'node:fs'
import { needs } from '../../scripts/needs.ts'
import { recordFlags } from '../events/schema.ts'
import { callsOf, observe } from './observe.ts'

const kernelTest = needs('root', 'ebpf', 'compiler')

kernelTest('openat tells the file that was opened and the words that asked for it', () => {
  const { records, directory } = callsOf(
    ['openat'],
    `int d = open("/etc", O_DIRECTORY);
     openat(d, "../etc/hostname", O_RDONLY | O_CLOEXEC);
     symlink("/etc/hostname", "link"); openat(AT_FDCWD, "./link", O_RDONLY);
     openat(AT_FDCWD, "new", O_CREAT | O_WRONLY, 0640); openat(AT_FDCWD, "/no/such", 0)`,
  )
  const [folder, relative, link, created, failed] = records.map(({ parameters }) => parameters)
  expect(folder).toMatchObject({ name: '/etc', path: '/etc', dirpath: undefined, dirfd: -100 })
  expect(relative).toMatchObject({
    fd: Number(folder?.['fd']) + 1,
    dirfd: folder?.['fd'],
    name: '../etc/hostname',
    path: '/etc/hostname',
    dirpath: '/etc',
    flags: 0o2000000,
    file_state: 0,
  })
  expect(Number(relative?.['inode_mode']) & 0o170000).toBe(0o100000)
  expect(link).toMatchObject({ name: './link', path: '/etc/hostname', dirpath: directory })
  expect(link?.['ino']).toBe(relative?.['ino'])
  expect(created).toMatchObject({ path: `${directory}/new`, mode: 0o640, file_state: 1 })
  expect(failed).toMatchObject({ fd: -2, name: '/no/such', path: undefined, ino: undefined })
})

kernelTest('open, creat, openat2 and open_by_handle_at each tell the same file', () => {
  const { records, directory } = callsOf(
    ['open', 'creat', 'openat2', 'open_by_handle_at', 'openat'],
    `syscall(SYS_open, "a", O_CREAT | O_RDWR, 0600); syscall(SYS_creat, "a", 0600);
     struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS};
     syscall(SYS_openat2, AT_FDCWD, "a", &how, sizeof how);
     struct { struct file_handle h; char room[128]; } handle = {.h.handle_bytes = 128}; int mount;
     name_to_handle_at(AT_FDCWD, "/etc/hostname", &handle.h, &mount, 0);
     int d = open("/etc", O_DIRECTORY); open_by_handle_at(d, &handle.h, O_RDONLY)`,
  )
  const path = `${directory}/a`
  expect(records.map(({ name }) => name)).toEqual([
    'open',
    'creat',
    'openat2',
    'openat',
    'open_by_handle_at',
  ])
  const [open, creat, openat2, , byHandle] = records.map(({ parameters }) => parameters)
  expect(open).toMatchObject({ name: 'a', path, flags: 0o102, mode: 0o600, dirpath: directory })
  expect(creat).toMatchObject({ name: 'a', path, mode: 0o600, dirpath: directory })
  expect(openat2).toMatchObject({ name: 'a', path, resolve: 4, flags: 0 })
  expect(byHandle).toMatchObject({ path: '/etc/hostname', flags: 0 })
})

kernelTest('a path that is too deep is cut and says so', () => {
  const { records } = callsOf(
    ['openat'],
    `for (int i = 0; i < 600; i++) { mkdir("0123456789", 0700); chdir("0123456789"); }
     open("deepest", O_CREAT | O_RDWR, 0600); chdir("/")`,
  )
  const [deep] = records
  const path = String(deep?.parameters['path'])
  expect(path.endsWith('/0123456789/deepest')).toBe(true)
  expect(path.length).toBeGreaterThan(4000)
  expect((deep?.flags ?? 0) & recordFlags.truncated).toBe(recordFlags.truncated)
})

kernelTest('mounts are crossed, and a chroot is where names begin', () => {
  const { records } = callsOf(
    ['openat'],
    `unshare(CLONE_NEWNS); mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
     mkdir("m", 0700); mount("none", "m", "tmpfs", 0, 0); mkdir("m/n", 0700);
     open("m/n/file", O_CREAT | O_RDWR, 0600);
     chroot("m"); chdir("/"); open("/n/file", O_RDONLY); open("n/../n/file", O_RDONLY)`,
  )
  const paths = records.map(({ parameters }) => String(parameters['path']))
  expect(paths[0]?.endsWith('/m/n/file')).toBe(true)
  expect(paths.slice(1)).toEqual(['/n/file', '/n/file'])
})

kernelTest('the hook for all calls tells the same where there is no tracefs', () => {
  const options = { isTracefsUsed: false, isSelfHidden: false }
  const seen = observe(['openat'], () => void readFileSync('/etc/hostname'), options)
  const paths = seen.map(({ parameters }) => parameters['path'])
  expect(paths).toContain('/etc/hostname')
})

kernelTest(
  'a name that is swapped while it is read hides nothing: the path is of the file opened',
  () => {
    const inodes = new Map(
      ['/etc/hostname', '/etc/passwd'].map((path) => [path, statSync(path).ino] as const),
    )
    const { calls } = callsOf(
      ['openat'],
      `char *b = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
     strcpy(b, "/etc/hostname"); int child = fork();
     if (!child) for (;;) { strcpy(b, "/etc/passwd"); strcpy(b, "/etc/hostname"); }
     for (int i = 0; i < 2000; i++) close(open(b, 0)); kill(child, 9); wait(0)`,
    )
    const opened = calls as unknown as { fd: number; path: string; ino: number }[]
    const succeeded = opened.filter(({ fd }) => fd >= 0)
    // Half-written names do not exist: those opens fail.
    expect(succeeded.length).toBeGreaterThan(50)
    for (const { path, ino } of succeeded) expect(ino).toBe(inodes.get(path))
  },
)
