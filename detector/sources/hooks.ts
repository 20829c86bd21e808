/** Where each event comes from: which programs of riposte.bpf.o, hooked to what. */

/** A call's numbers (arch/x86/entry/syscalls, scripts/syscall.tbl); null where the architecture has no such call. */
export interface CallNumbers {
  readonly x64: number | null
  readonly ia32: number | null
  readonly arm64: number | null
}

const call = (x64: number | null, ia32: number | null, arm64: number | null): CallNumbers => ({
  x64,
  ia32,
  arm64,
})

/** Calls by event name: programs exit_<name> (its own tracepoint) and raw_<name> (behind any_call). */
export const calls: Readonly<Record<string, CallNumbers>> = {
  open: call(2, 5, null),
  openat: call(257, 295, 56),
  openat2: call(437, 437, 437),
  creat: call(85, 8, null),
  open_by_handle_at: call(304, 342, 265),
  execve: call(59, 11, 221),
  execveat: call(322, 358, 281),
  connect: call(42, 362, 203),
  accept: call(43, null, 202),
  accept4: call(288, 364, 242),
  bind: call(49, 361, 200),
  listen: call(50, 363, 201),
  socket: call(41, 359, 198),
  sendto: call(44, 369, 206),
  sendmsg: call(46, 370, 211),
  recvfrom: call(45, 371, 207),
  recvmsg: call(47, 372, 212),
  dup: call(32, 41, 23),
  dup2: call(33, 63, null),
  dup3: call(292, 330, 24),
  ptrace: call(101, 26, 117),
  link: call(86, 9, null),
  linkat: call(265, 303, 37),
  symlink: call(88, 83, null),
  symlinkat: call(266, 304, 36),
  unlink: call(87, 10, null),
  unlinkat: call(263, 301, 35),
  rename: call(82, 38, null),
  renameat: call(264, 302, 38),
  renameat2: call(316, 353, 276),
  mkdir: call(83, 39, null),
  mkdirat: call(258, 296, 34),
  rmdir: call(84, 40, null),
  chmod: call(90, 15, null),
  fchmod: call(91, 94, 52),
  fchmodat: call(268, 306, 53),
  fchmodat2: call(452, 452, 452),
  setuid: call(105, 213, 146),
  setgid: call(106, 214, 144),
  setreuid: call(113, 203, 145),
  setregid: call(114, 204, 143),
  setresuid: call(117, 208, 147),
  setresgid: call(119, 210, 149),
  setsid: call(112, 66, 157),
  setpgid: call(109, 57, 154),
  capset: call(126, 185, 91),
  prctl: call(157, 172, 167),
  chdir: call(80, 12, 49),
  fchdir: call(81, 133, 50),
  chroot: call(161, 61, 51),
  setns: call(308, 346, 268),
  unshare: call(272, 310, 97),
  mount: call(165, 21, 40),
  umount2: call(166, 52, 39),
  bpf: call(321, 357, 280),
  init_module: call(175, 128, 105),
  finit_module: call(313, 350, 273),
  memfd_create: call(319, 356, 279),
  userfaultfd: call(323, 374, 282),
  io_uring_setup: call(425, 425, 425),
}

/** A tracepoint that is named otherwise than its call. */
export const tracepointOf = (name: string): string => (name === 'umount2' ? 'umount' : name)

/** Programs that are attached whatever is asked for: they cost nothing, and without them no process is known. */
export const processHooks = ['on_exec', 'on_fork', 'on_exit'] as const

/** Events that a process hook tells. */
export const processEvents = new Set(['clone', 'clone3', 'fork', 'vfork', 'procexit'])
