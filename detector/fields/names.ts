/**
 * Symbolic names of numbers: Linux's (<errno.h>, <linux/capability.h>, …), printed as Falco does, in the order of
 * its tables (falcosecurity/libs driver/flags_table.c), which puts the highest first.
 */
import { constants } from 'node:os'

export type Names = readonly (readonly [name: string, value: number])[]

/** `O_CREAT|O_WRONLY`; a name whose value is 0 only where nothing is set. '' where no name fits. */
export function flagNames(names: Names, value: number): string {
  let rest = value >>> 0
  const found: string[] = []
  for (const [name, bits] of names) {
    const isSet = bits === 0 ? value === 0 : rest !== 0 && (rest & bits) >>> 0 === bits >>> 0
    if (!isSet) continue
    found.push(name)
    rest = (rest & ~bits) >>> 0
  }
  return found.join('|')
}

/** Every name of exactly this value: `AF_LOCAL|AF_UNIX`. '' where there is none. */
export const enumNames = (names: Names, value: number): string =>
  names
    .filter(([, known]) => known === value)
    .map(([name]) => name)
    .join('|')

/** Linux's errno on this architecture, by its number. */
const errnos = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]))
/** Numbers that only the kernel itself uses; a call may return them to a tracer (<linux/errno.h>). */
const kernelErrnos = new Map([
  [512, 'ERESTARTSYS'],
  [513, 'ERESTARTNOINTR'],
  [514, 'ERESTARTNOHAND'],
  [515, 'ENOIOCTLCMD'],
  [516, 'ERESTART_RESTARTBLOCK'],
  [517, 'EPROBE_DEFER'],
])
/** Of the pairs that share a number, the one that Falco prints. */
const preferred = new Map([
  [11, 'EAGAIN'],
  [35, 'EDEADLK'],
  [95, 'EOPNOTSUPP'],
])
/** Those that Node does not list. */
const furtherErrnos = new Map([
  [58, 'ENOTUNIQ'],
  [123, 'ENOMEDIUM'],
  [124, 'EMEDIUMTYPE'],
  [125, 'ECANCELED'],
  [126, 'ENOKEY'],
  [127, 'EKEYEXPIRED'],
  [128, 'EKEYREVOKED'],
  [129, 'EKEYREJECTED'],
  [130, 'EOWNERDEAD'],
  [131, 'ENOTRECOVERABLE'],
  [132, 'ERFKILL'],
  [133, 'EHWPOISON'],
])

/** `ENOENT` for -2; the number itself where it has no name. */
export function errnoName(result: number): string {
  const number = -result
  return (
    preferred.get(number) ??
    errnos.get(number) ??
    furtherErrnos.get(number) ??
    kernelErrnos.get(number) ??
    String(result)
  )
}

const signals = new Map(Object.entries(constants.signals).map(([name, value]) => [value, name]))
export const signalName = (signal: number) => signals.get(signal) ?? ''

/** <linux/capability.h>, by bit. */
const capabilities =
  `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
  NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
  SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
  SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`
    .trim()
    .split(/\s+/)
    .map((name) => `CAP_${name}`)

/** `CAP_CHOWN CAP_KILL`; interned, since hosts know few sets. */
export function capabilityNames(set: bigint): string {
  const known = capabilityTexts.get(set)
  if (known !== undefined) return known
  const text = capabilities.filter((_, bit) => (set >> BigInt(bit)) & 1n).join(' ')
  if (capabilityTexts.size > 4096) capabilityTexts.clear()
  capabilityTexts.set(set, text)
  return text
}
const capabilityTexts = new Map<bigint, string>()
