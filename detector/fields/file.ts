/** fd.* of every descriptor: its number, its kind, its names. */
import type { Event } from '../events/event.ts'
import { events, fileState } from '../events/schema.ts'
import { intOf } from '../events/parameter.ts'
import type { Field, Scalar } from './index.ts'
import { baseOf, parentOf, withoutDoubleSlashes } from './paths.ts'
import { row } from './row.ts'
import { socketName } from './socket-text.ts'
import { descriptorOf, fileName, kindOf, rawName, socket } from './subject.ts'

const names = events.map((event) => event.name)
const device = intOf('dev')
const inode = intOf('ino')
const state = intOf('file_state')

function nameOf(event: Event): string | undefined {
  const found = socket(event)
  return found === undefined ? fileName(event) : socketName(found)
}

/** A directory is its own; so that `fd.directory = /etc` also sees who lists it. */
function directoryOf(event: Event): string | undefined {
  const kind = kindOf(event)?.type
  // Of a call that opened nothing the kind is not known, but the name is.
  if (kind !== undefined && kind !== 'file' && kind !== 'directory') return undefined
  const name = fileName(event)
  if (name === undefined || kind === 'directory') return name
  return parentOf(name)
}

function fileOf(event: Event): string | undefined {
  const kind = kindOf(event)?.type
  const name = fileName(event)
  if (name === undefined || (kind !== undefined && kind !== 'file')) return undefined
  return kind === undefined ? undefined : baseOf(name)
}

const inContainer = (event: Event, text: string | undefined) =>
  text === undefined ? undefined : `${event.process?.containerId ?? ''}:${text}`

/** new_encode_dev() of the kernel. */
const major = (value: number) => (value >>> 8) & 0xfff
const minor = (value: number) => (value & 0xff) | ((value >>> 12) & 0xfff00)
const hex = (value: Scalar) => Number(value).toString(16).toUpperCase()

const deviceRow = (
  name: string,
  help: string,
  read: (device: number) => number,
  print?: typeof hex,
) =>
  row(
    name,
    'int',
    help,
    ({ view }) => {
      const found = device(view)
      return found === undefined ? undefined : read(found)
    },
    print === undefined ? {} : { print },
  )

const hasState = (bit: number) => (event: Event) => {
  const found = state(event.view)
  return found === undefined ? undefined : (found & bit) !== 0
}

/** Falco's guess for a call that opened nothing. */
const guesses = new Map([
  ['openat', 'f'],
  ['openat2', 'f'],
  ['creat', 'f'],
  ['socket', '4'],
  ['accept', '4'],
  ['accept4', '4'],
])

export const fileFields: readonly Field[] = [
  row('fd.num', 'fd', 'number of the descriptor', descriptorOf),
  row(
    'fd.type',
    'string',
    'file, directory, ipv4, ipv6, unix, pipe, event, …',
    (e) => kindOf(e)?.type,
  ),
  row('fd.typechar', 'string', 'one character for the type: f d 4 6 u p e …', typeCharacter),
  row('fd.name', 'string', 'path of the file, or both ends of the connection', nameOf),
  row('fd.nameraw', 'string', 'path as the caller passed it', (event) => {
    const raw = socket(event) === undefined ? rawName(event) : nameOf(event)
    return raw === undefined ? undefined : withoutDoubleSlashes(raw)
  }),
  row('fd.directory', 'string', 'directory of the file, or the directory itself', directoryOf),
  row('fd.filename', 'string', 'name of the file without its directory', fileOf),
  row('fd.containername', 'string', 'container id and name', (e) => inContainer(e, nameOf(e))),
  row('fd.containerdirectory', 'string', 'container id and directory', (event) =>
    inContainer(event, directoryOf(event)),
  ),
  row('fd.uid', 'string', 'thread id and number of the descriptor', (event) => {
    const number = descriptorOf(event)
    return number === undefined ? undefined : `${event.view.tid}${number}`
  }),
  deviceRow('fd.dev', 'device of the file', (value) => value, hex),
  deviceRow('fd.dev.major', 'major number of that device', major),
  deviceRow('fd.dev.minor', 'minor number of that device', minor),
  row('fd.ino', 'int', 'inode of the file', ({ view }) => inode(view)),
  row(
    'fd.is_upper_layer',
    'bool',
    'the file is new in the container',
    hasState(fileState.upperLayer),
  ),
  row('fd.is_lower_layer', 'bool', 'the file is of the image', hasState(fileState.lowerLayer)),
]

function typeCharacter(event: Event): string | undefined {
  const kind = kindOf(event)
  if (kind !== undefined) return kind.character
  if (descriptorOf(event) === undefined) return undefined
  return guesses.get(names[event.id] ?? '') ?? 'o'
}
