/**
 * What the kernel can tell of an event, one bit each. A set atom is true when the string it is about is one of its
 * entries; the two words of the truth vector (bpf/judge.h) hold the event's atoms and the process's.
 */

/** How an entry's text is compared. The index + 1 is the kind on the wire (JUDGE_* in bpf/judge-maps.h). */
export const entryKinds = [
  /** The whole path. */
  'path',
  /** The path starts with the text, also inside a component. */
  'under',
  /** Everything before the last slash (`/` for a name in the root); of a directory the directory itself. */
  'directory',
  /** The last component. */
  'filename',
  /** Any component but the last. */
  'inner',
  /** The command name (comm, at most 15 bytes). */
  'name',
  'name_start',
  /** The path of the program file. */
  'exe',
  'exe_start',
] as const
export type EntryKind = (typeof entryKinds)[number]

export interface Entry {
  readonly kind: EntryKind
  readonly text: string
}

/** Bits of the event word with a fixed place; the first eight choose the profile (tables.ts). */
export const flags = {
  /** res (or fd) >= 0 */
  succeeded: 0,
  /** O_RDONLY or O_RDWR */
  isRead: 1,
  /** O_WRONLY or O_RDWR */
  isWrite: 2,
  hasTruncate: 3,
  hasCreate: 4,
  /** What was opened is a file (or a device), by its inode. */
  isFile: 5,
  /** O_CREAT or O_TMPFILE with an execute bit in mode. */
  isExec: 6,
  /** res == 0 */
  isZero: 7,
  /** res is 0, 1 or 2: a standard stream. */
  isStandardStream: 8,
  /** The passed name holds `../`. */
  hasDotDot: 9,
  /** The caller's user id in the initial namespace is 0. */
  isRoot: 10,
  /** The socket is IPv4 or IPv6. */
  isInternet: 11,
  /** One end of the socket is in 127.0.0.0/8. */
  hasLoopback4: 12,
  /** One end of the socket is ::1. */
  hasLoopback6: 13,
  /** What was opened is a directory. */
  isDirectory: 14,
  /** There is a name to compare: a check on a missing one is false, also `!=`. */
  hasName: 15,
} as const
export type Flag = keyof typeof flags

export const PROFILE_FLAGS = 8
/** The first bit of the event word that a table of rules may use for its paths. */
export const FIRST_PATH_BIT = 16

/** Bits of the process word with a fixed place. */
export const traits = {
  /** Always set in a word that is known. */
  exists: 0,
  isFromMemfd: 1,
  isUpperLayer: 2,
  /** The program is one that is never struck, whatever a policy says. */
  isGuarded: 3,
} as const
export type Trait = keyof typeof traits
export const FIRST_SET_BIT = 8

/** 0 the process itself, 1 its parent, 2 its grandparent, …; any: some ancestor, not itself. */
export type Level = 0 | 1 | 2 | 3 | 'any'
export const levels: readonly Level[] = [0, 1, 2, 3, 'any']

export type Atom =
  | { readonly kind: 'flag'; readonly flag: Flag }
  | { readonly kind: 'trait'; readonly level: Level; readonly trait: Trait }
  | { readonly kind: 'paths'; readonly entries: readonly Entry[] }
  | { readonly kind: 'programs'; readonly level: Level; readonly entries: readonly Entry[] }

/** Equal exactly for equal atoms; entries are kept sorted. */
export function atomKey(atom: Atom): string {
  switch (atom.kind) {
    case 'flag':
      return atom.flag
    case 'trait':
      return `${atom.level}:${atom.trait}`
    case 'paths':
      return setKey(atom.entries)
    case 'programs':
      return `${atom.level}:${setKey(atom.entries)}`
  }
}

export const entryKey = (entry: Entry): string => `${entry.kind} ${entry.text}`

export function setKey(entries: readonly Entry[]): string {
  const known = setKeys.get(entries)
  if (known !== undefined) return known
  const key = entries.map(entryKey).join('\0')
  setKeys.set(entries, key)
  return key
}
const setKeys = new WeakMap<readonly Entry[], string>()

/** Sorted, each once. */
export function uniqueEntries(entries: readonly Entry[]): Entry[] {
  const byKey = new Map(entries.map((entry) => [entryKey(entry), entry]))
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
}

/** Longer texts are not looked up: what a key of the string table holds (JUDGE_TEXT in bpf/judge-maps.h). */
export const TEXT_BYTES = 112
