/** Enumerations of system calls: a number under every name that Falco prints for it. */
import type { Names } from './names.ts'

/** `A B - C` from 0: a hyphen is a number without a name. */
const counted = (prefix: string, first: number, names: string): Names =>
  names
    .trim()
    .split(/\s+/)
    .map((name, offset) => [`${prefix}${name}`, first + offset] as const)
    .filter(([name]) => !name.endsWith('-'))

/** <linux/socket.h>; 1 and 16 have two names each. */
export const socketFamilyNames: Names = [
  ['AF_LOCAL', 1],
  ['AF_ROUTE', 16],
  ...counted(
    'AF_',
    0,
    `UNSPEC UNIX INET AX25 IPX APPLETALK NETROM BRIDGE ATMPVC X25 INET6 ROSE DECnet NETBEUI SECURITY KEY NETLINK
     PACKET ASH ECONET ATMSVC RDS SNA IRDA PPPOX WANPIPE LLC IB MPLS CAN TIPC BLUETOOTH IUCV RXRPC ISDN PHONET
     IEEE802154 CAIF ALG NFC VSOCK KCM QIPCRTR SMC XDP MCTP`,
  ),
]

/** <linux/ptrace.h>, <asm/ptrace.h> of x86. */
export const ptraceNames: Names = [
  ...counted(
    'PTRACE_',
    0,
    `TRACEME PEEKTEXT PEEKDATA PEEKUSR POKETEXT POKEDATA POKEUSR CONT KILL SINGLESTEP - - GETREGS SETREGS GETFPREGS
     SETFPREGS ATTACH DETACH GETFPXREGS SETFPXREGS - OLDSETOPTIONS - - SYSCALL GET_THREAD_AREA SET_THREAD_AREA - - -
     ARCH_PRCTL SYSEMU SYSEMU_SINGLESTEP SINGLEBLOCK`,
  ),
  ...counted(
    'PTRACE_',
    0x4200,
    `SETOPTIONS GETEVENTMSG GETSIGINFO SETSIGINFO GETREGSET SETREGSET SEIZE INTERRUPT LISTEN PEEKSIGINFO GETSIGMASK
     SETSIGMASK`,
  ),
]

/** <linux/bpf.h>; 10 has two names. */
export const bpfNames: Names = [
  ...counted(
    'BPF_',
    0,
    `MAP_CREATE MAP_LOOKUP_ELEM MAP_UPDATE_ELEM MAP_DELETE_ELEM MAP_GET_NEXT_KEY PROG_LOAD OBJ_PIN OBJ_GET
     PROG_ATTACH PROG_DETACH PROG_TEST_RUN PROG_GET_NEXT_ID MAP_GET_NEXT_ID PROG_GET_FD_BY_ID MAP_GET_FD_BY_ID
     OBJ_GET_INFO_BY_FD PROG_QUERY RAW_TRACEPOINT_OPEN BTF_LOAD BTF_GET_FD_BY_ID TASK_FD_QUERY
     MAP_LOOKUP_AND_DELETE_ELEM MAP_FREEZE BTF_GET_NEXT_ID MAP_LOOKUP_BATCH MAP_LOOKUP_AND_DELETE_BATCH
     MAP_UPDATE_BATCH MAP_DELETE_BATCH LINK_CREATE LINK_UPDATE LINK_GET_FD_BY_ID LINK_GET_NEXT_ID ENABLE_STATS
     ITER_CREATE LINK_DETACH PROG_BIND_MAP TOKEN_CREATE`,
  ),
  ['BPF_PROG_RUN', 10],
]

/** <linux/prctl.h> */
export const prctlNames: Names = [
  ['PR_GET_DUMPABLE', 3],
  ['PR_SET_DUMPABLE', 4],
  ['PR_GET_KEEPCAPS', 7],
  ['PR_SET_KEEPCAPS', 8],
  ['PR_SET_NAME', 15],
  ['PR_GET_NAME', 16],
  ['PR_GET_SECCOMP', 21],
  ['PR_SET_SECCOMP', 22],
  ['PR_CAPBSET_READ', 23],
  ['PR_CAPBSET_DROP', 24],
  ['PR_GET_SECUREBITS', 27],
  ['PR_SET_SECUREBITS', 28],
  ['PR_MCE_KILL', 33],
  ['PR_SET_MM', 35],
  ['PR_SET_CHILD_SUBREAPER', 36],
  ['PR_GET_CHILD_SUBREAPER', 37],
  ['PR_SET_NO_NEW_PRIVS', 38],
  ['PR_GET_NO_NEW_PRIVS', 39],
  ['PR_GET_TID_ADDRESS', 40],
  ['PR_SET_THP_DISABLE', 41],
  ['PR_GET_THP_DISABLE', 42],
  ['PR_CAP_AMBIENT', 47],
]
