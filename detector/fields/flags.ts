/** Flags and enumerations of system calls: Linux's values under the names that Falco prints for them. */
import { arch } from 'node:process'
import type { Names } from './names.ts'

/**
 * <fcntl.h>. O_RDONLY is 0 in Linux but a bit in Falco, and what the kernel found on opening are bits in Falco's
 * word too: openFlags() makes Falco's word (driver/ppm_events_public.h) of ours.
 */
export const openFlagNames: Names = [
  ['O_LARGEFILE', 0x800],
  ['O_DIRECTORY', 0x400],
  ['O_DIRECT', 0x200],
  ['O_TRUNC', 0x100],
  ['O_SYNC', 0x80],
  ['O_NONBLOCK', 0x40],
  ['O_EXCL', 0x20],
  ['O_DSYNC', 0x10],
  ['O_APPEND', 0x8],
  ['O_CREAT', 0x4],
  ['O_RDWR', 0x3],
  ['O_WRONLY', 0x2],
  ['O_RDONLY', 0x1],
  ['O_CLOEXEC', 0x1000],
  ['O_NONE', 0],
  ['O_TMPFILE', 0x2000],
  ['O_F_CREATED', 0x4000],
  ['FD_UPPER_LAYER', 0x8000],
  ['FD_LOWER_LAYER', 0x1_0000],
]

/** Falco's bits that readers ask for. */
export const OPEN = { read: 1, write: 2, create: 4, tmpfile: 0x2000, created: 0x4000 } as const

/** arm64 swaps four of them with those of other architectures (<asm/fcntl.h>). */
const linux =
  arch === 'arm64'
    ? { DIRECTORY: 0o40000, NOFOLLOW: 0o100000, DIRECT: 0o200000, LARGEFILE: 0o400000 }
    : { DIRECTORY: 0o200000, NOFOLLOW: 0o400000, DIRECT: 0o40000, LARGEFILE: 0o100000 }

const linuxOpen: readonly (readonly [linux: number, falco: number])[] = [
  [0o100, 0x4],
  [0o200, 0x20],
  [0o1000, 0x100],
  [0o2000, 0x8],
  [0o4000, 0x40],
  [0o10000, 0x10],
  [0o4010000, 0x80],
  [linux.DIRECT, 0x200],
  [linux.LARGEFILE, 0x800],
  [linux.DIRECTORY, 0x400],
  [0o2000000, 0x1000],
  [0o20000000 | linux.DIRECTORY, 0x2000],
]

/** O_* and fileState (schema.ts) in Falco's word. */
export function openFlags(flags: number, fileState: number): number {
  // Access 3 is O_ACCMODE, which some drivers take for an ioctl only: neither reading nor writing.
  let falco = [OPEN.read, OPEN.write, OPEN.read | OPEN.write, 0][flags & 3] ?? 0
  for (const [bits, bit] of linuxOpen) if ((flags & bits) === bits) falco |= bit
  return falco | (fileState << 14)
}

/** The same of a descriptor that has no way of access: socket, dup3, userfaultfd. */
export const madeFlags = (flags: number) => openFlags(flags | 3, 0)

/** creat_flags: only what the kernel found. */
export const creatFlagNames: Names = [
  ['FD_UPPER_LAYER_CREAT', 2],
  ['FD_LOWER_LAYER_CREAT', 4],
]

/** What execve tells of the file: Falco's own bits. */
export const executeFlagNames: Names = [
  ['EXE_WRITABLE', 1],
  ['EXE_UPPER_LAYER', 2],
  ['EXE_FROM_MEMFD', 4],
  ['EXE_LOWER_LAYER', 8],
]

/** <linux/sched.h>; unshare and setns take some of them. */
export const cloneFlagNames: Names = [
  ['CLONE_FILES', 0x400],
  ['CLONE_FS', 0x200],
  ['CLONE_IO', 0x8000_0000],
  ['CLONE_NEWIPC', 0x800_0000],
  ['CLONE_NEWNET', 0x4000_0000],
  ['CLONE_NEWNS', 0x2_0000],
  ['CLONE_NEWPID', 0x2000_0000],
  ['CLONE_NEWUTS', 0x400_0000],
  ['CLONE_PARENT', 0x8000],
  ['CLONE_PARENT_SETTID', 0x10_0000],
  ['CLONE_PTRACE', 0x2000],
  ['CLONE_SIGHAND', 0x800],
  ['CLONE_SYSVSEM', 0x4_0000],
  ['CLONE_THREAD', 0x1_0000],
  ['CLONE_UNTRACED', 0x80_0000],
  ['CLONE_VM', 0x100],
  ['CLONE_NEWUSER', 0x1000_0000],
  ['CLONE_CHILD_CLEARTID', 0x20_0000],
  ['CLONE_CHILD_SETTID', 0x100_0000],
  ['CLONE_SETTLS', 0x8_0000],
  ['CLONE_VFORK', 0x4000],
  ['CLONE_NEWCGROUP', 0x200_0000],
]

/** <linux/fcntl.h> */
export const unlinkatFlagNames: Names = [['AT_REMOVEDIR', 0x200]]
export const linkatFlagNames: Names = [
  ['AT_SYMLINK_FOLLOW', 0x400],
  ['AT_EMPTY_PATH', 0x1000],
]

/** <linux/fs.h> */
export const renameFlagNames: Names = [
  ['RENAME_NOREPLACE', 1],
  ['RENAME_EXCHANGE', 2],
  ['RENAME_WHITEOUT', 4],
]

/** <linux/openat2.h> */
export const resolveFlagNames: Names = [
  ['RESOLVE_BENEATH', 0x08],
  ['RESOLVE_IN_ROOT', 0x10],
  ['RESOLVE_NO_MAGICLINKS', 0x02],
  ['RESOLVE_NO_SYMLINKS', 0x04],
  ['RESOLVE_NO_XDEV', 0x01],
  ['RESOLVE_CACHED', 0x20],
]

/** <linux/mount.h> */
export const mountFlagNames: Names =
  `RDONLY NOSUID NODEV NOEXEC SYNCHRONOUS REMOUNT MANDLOCK DIRSYNC - - NOATIME
  NODIRATIME BIND MOVE REC SILENT POSIXACL UNBINDABLE PRIVATE SLAVE SHARED RELATIME KERNMOUNT I_VERSION STRICTATIME
  LAZYTIME`
    .split(/\s+/)
    .map((name, bit) => [name, 2 ** bit] as const)
    .filter(([name]) => name !== '-')
export const umountFlagNames: Names = [
  ['FORCE', 1],
  ['DETACH', 2],
  ['EXPIRE', 4],
  ['NOFOLLOW', 8],
]

/** <sys/stat.h>: permission bits of a mode. */
export const modeNames: Names = [
  ['S_IXOTH', 0o1],
  ['S_IWOTH', 0o2],
  ['S_IROTH', 0o4],
  ['S_IXGRP', 0o10],
  ['S_IWGRP', 0o20],
  ['S_IRGRP', 0o40],
  ['S_IXUSR', 0o100],
  ['S_IWUSR', 0o200],
  ['S_IRUSR', 0o400],
  ['S_ISVTX', 0o1000],
  ['S_ISGID', 0o2000],
  ['S_ISUID', 0o4000],
]

/** <linux/memfd.h>, <linux/userfaultfd.h>, <linux/module.h>, <linux/io_uring.h> */
export const memfdFlagNames: Names = [
  ['MFD_CLOEXEC', 1],
  ['MFD_ALLOW_SEALING', 2],
  ['MFD_HUGETLB', 4],
]
export const moduleFlagNames: Names = [
  ['MODULE_INIT_IGNORE_MODVERSIONS', 1],
  ['MODULE_INIT_IGNORE_VERMAGIC', 2],
  ['MODULE_INIT_COMPRESSED_FILE', 4],
]
export const ringFlagNames: Names = [
  ['IORING_SETUP_IOPOLL', 1],
  ['IORING_SETUP_SQPOLL', 2],
  ['IORING_SETUP_SQ_AFF', 4],
  ['IORING_SETUP_CQSIZE', 8],
  ['IORING_SETUP_CLAMP', 16],
  ['IORING_SETUP_ATTACH_RW', 32],
  ['IORING_SETUP_R_DISABLED', 64],
]
