/** One parameter as text, by what it means: plain, and beside it what it stands for. */
import type { Event } from '../events/event.ts'
import { intOf, textOf } from '../events/parameter.ts'
import { events } from '../events/schema.ts'
import { madeFlags, openFlagNames, openFlags } from './flags.ts'
import { enumNames, errnoName, flagNames, signalName } from './names.ts'
import type { Kind } from './parameter-kinds.ts'
import { joinPath } from './paths.ts'
import { local, protocolCharacter, remote, socketName, text } from './socket-text.ts'
import {
  AT_FDCWD,
  descriptorOf,
  fileName,
  kindOf as kindOfFile,
  socket,
  startOf,
} from './subject.ts'
import { dateTime } from './time-text.ts'

export interface Shown {
  readonly plain: string
  /** '' where there is nothing to add. */
  readonly resolved: string
}

export type Show = (event: Event, parameter: number) => Shown | undefined

const plain = (value: string, resolved = ''): Shown => ({ plain: value, resolved })

const octal = (value: number) => (value === 0 ? '0' : `0${(value >>> 0).toString(8)}`)

const showInt =
  (render: (value: number, event: Event) => Shown): Show =>
  (event, parameter) => {
    const value = event.view.int(parameter)
    return value === undefined ? undefined : render(value, event)
  }

/** Flags have few values, and a host sees the same ones all day. */
function remembered(render: (value: number) => Shown): (value: number) => Shown {
  const known = new Map<number, Shown>()
  return (value) => {
    const found = known.get(value)
    if (found !== undefined) return found
    const shown = render(value)
    if (known.size >= 1024) known.clear()
    known.set(value, shown)
    return shown
  }
}

/** Text as it is. A list is bytes to Falco: each item ends in NUL, which is not printable. */
const showText: Show = ({ view }, parameter) => {
  const isList = events[view.eventId]?.parameters[parameter]?.type === 'list'
  const items = isList ? view.list(parameter) : undefined
  if (items !== undefined)
    return plain(items.map((item) => `${printable(toBytes(item))}.`).join(''))
  const value = isList ? undefined : view.text(parameter)
  return value === undefined ? undefined : plain(value)
}

const toBytes = (item: string) => new TextEncoder().encode(item)

/** A relative path also as what it is below its directory. */
function showPath(from: string | undefined): Show {
  const start = from === undefined ? undefined : textOf(from)
  return (event, parameter) => {
    const path = event.view.text(parameter)
    if (path === undefined) return undefined
    if (path === '' || path.startsWith('/')) return plain(path)
    return plain(path, joinPath(start?.(event.view) ?? startOf(event), path))
  }
}

function showDescriptor(event: Event, value: number | undefined, name: string): Shown | undefined {
  if (value === undefined) return undefined
  if (value === AT_FDCWD) return plain(String(value), 'AT_FDCWD')
  if (value < 0) return plain(String(value), errnoName(value))
  const isSubject = name === 'fd' || name === 'oldfd' || value === descriptorOf(event)
  return plain(String(value), isSubject ? describe(event) : '')
}

/** `<f>/etc/passwd`, `<4t>10.0.0.1:4711->10.0.0.2:80` */
function describe(event: Event): string {
  const kind = kindOfFile(event)
  if (kind === undefined) return ''
  const found = socket(event)
  if (found === undefined) return `<${kind.character}>${fileName(event) ?? ''}`
  return `<${kind.character}${protocolCharacter(found)}>${socketName(found)}`
}

const fileState = intOf('file_state')
const showOpen = remembered((flags) => plain(String(flags), flagNames(openFlagNames, flags)))

const simple = {
  decimal: showInt((value) => plain(String(value))),
  hex: (event: Event, parameter: number) => {
    const value = event.view.bigint(parameter)
    return value === undefined
      ? undefined
      : plain(BigInt.asUintN(64, value).toString(16).toUpperCase())
  },
  octal: showInt((value) => plain(octal(value))),
  open: showInt((value, { view }) => showOpen(openFlags(value, fileState(view) ?? 0))),
  made: showInt((value) => showOpen(madeFlags(value))),
  errno: showInt((value) => plain(String(value), value < 0 ? errnoName(value) : '')),
  signal: showInt((value) => plain(String(value), signalName(value))),
  pid: showInt((value, { state }) =>
    plain(String(value), state.processes.current(value)?.name ?? ''),
  ),
  uid: showInt((value, { state, process }) =>
    value < 0 || value === 0xffff_ffff
      ? plain('-1', '<NONE>')
      : plain(String(value), state.users.userName(process, value)),
  ),
  gid: showInt((value, { state, process }) =>
    value < 0 || value === 0xffff_ffff
      ? plain('-1', '<NONE>')
      : plain(String(value), state.users.groupName(process, value)),
  ),
  time: (event: Event, parameter: number) => {
    const value = event.view.bigint(parameter)
    return value === undefined ? undefined : plain(dateTime(value))
  },
  bytes: ({ view }: Event, parameter: number) => {
    const value = view.bytes(parameter)
    return value === undefined ? undefined : plain(printable(value))
  },
  /** Of a connection both ends; of an address the end that it names. */
  socket: ({ view }: Event, parameter: number) => {
    const value = view.socket(parameter)
    if (value === undefined) return undefined
    const isAddress = events[view.eventId]?.parameters[parameter]?.name === 'addr'
    if (!isAddress || value.family === 'unix') return plain(socketName(value))
    return plain(text(value.remoteIp === '' ? local(value) : remote(value)))
  },
} satisfies Record<string, Show>

/** What is no printable ASCII as a dot. */
const printable = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .replaceAll(/[^ -~]/g, '.')

/** How a parameter of this kind is shown. */
export function showerOf(kind: Kind, name: string): Show {
  if (kind.as === 'path') return showPath(kind.from)
  if (kind.as === 'text') return showText
  if (kind.as === 'fd')
    return (event, parameter) => showDescriptor(event, event.view.int(parameter), name)
  if (kind.as === 'flags')
    return showInt(remembered((value) => plain(String(value >>> 0), flagNames(kind.names, value))))
  if (kind.as === 'enum')
    return showInt(remembered((value) => plain(String(value), enumNames(kind.names, value))))
  if (kind.as === 'mode')
    return showInt(
      remembered((value) => plain(octal(value), flagNames(kind.names, value & 0o7777))),
    )
  return simple[kind.as]
}
