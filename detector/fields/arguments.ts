/** evt.arg and its relatives: one parameter of the event, by name or by number. */
import type { Event } from '../events/event.ts'
import { bytesOf, eventSet, indexes, textOf } from '../events/parameter.ts'
import { events } from '../events/schema.ts'
import { falcoParameters } from './falco-parameters.ts'
import { madeFlags, openFlags } from './flags.ts'
import type { Field, FieldType, FieldValue, Reader } from './index.ts'
import { type Kind, kindOf } from './parameter-kinds.ts'
import { showArgument } from './parameter-text.ts'
import { joinPath } from './paths.ts'
import { index, indexed, row } from './row.ts'
import { returnOf, startOf } from './subject.ts'
import { intOf } from '../events/parameter.ts'

const knownParameters: ReadonlySet<string> = new Set([
  ...falcoParameters,
  ...events.flatMap((event) => event.parameters.map((parameter) => parameter.name)),
])

/** The longest known name that `text` begins with, as Falco reads `evt.arg.flags)`. */
export function parameterIn(text: string): string | undefined {
  for (let end = text.length; end > 0; end--)
    if (knownParameters.has(text.slice(0, end))) return text.slice(0, end)
  return undefined
}

const unknown = (name: string, argument: string | undefined) => ({
  problem:
    argument === undefined
      ? `${name} takes the name of a parameter: ${name}.flags`
      : `no event has a parameter ${JSON.stringify(argument)}`,
})

function bindArgument(argument: string | undefined): Reader | { problem: string } {
  const number = argument === undefined ? undefined : index(argument)
  if (number !== undefined) return (event) => showArgument(event, number)
  if (argument === undefined || !knownParameters.has(argument)) return unknown('evt.arg', argument)
  const at = indexes(argument)
  return (event) => {
    const parameter = at[event.view.eventId] ?? -1
    return parameter < 0 ? undefined : showArgument(event, parameter)
  }
}

/** What evt.rawarg.NAME compares as: the type of the first event that has it, as in Falco. */
export function rawType(name: string): FieldType {
  for (const event of events) {
    const parameter = event.parameters.find((one) => one.name === name)
    if (parameter !== undefined) return rawTypes[kindOf(event.name, name, parameter.type).as]
  }
  return 'string'
}

const rawTypes: Readonly<Record<Kind['as'], FieldType>> = {
  decimal: 'int',
  hex: 'uint',
  octal: 'mode',
  mode: 'mode',
  text: 'string',
  path: 'path',
  bytes: 'bytes',
  socket: 'string',
  time: 'abstime',
  fd: 'fd',
  errno: 'errno',
  pid: 'pid',
  uid: 'uint',
  gid: 'uint',
  signal: 'uint',
  open: 'flags',
  made: 'flags',
  flags: 'flags',
  enum: 'flags',
}

type Read = (event: Event, parameter: number) => FieldValue

const fileState = intOf('file_state')
const readInt: Read = ({ view }, parameter) => view.int(parameter)
const readText: Read = ({ view }, parameter) => view.text(parameter)

function rawReader(event: string, name: string, type: string): Read {
  const { as } = kindOf(event, name, type)
  if (as === 'open')
    return ({ view }, parameter) => {
      const flags = view.int(parameter)
      return flags === undefined ? undefined : openFlags(flags, fileState(view) ?? 0)
    }
  if (as === 'made')
    return ({ view }, parameter) => {
      const flags = view.int(parameter)
      return flags === undefined ? undefined : madeFlags(flags)
    }
  if (as === 'time') return ({ view }, parameter) => view.bigint(parameter)
  if (type === 'int') return readInt
  if (type === 'list') return ({ view }, parameter) => view.list(parameter)?.join('\0')
  if (type === 'bytes') return ({ view }, parameter) => view.bytes(parameter)
  return type === 'socket' ? showArgument : readText
}

function bindRaw(argument: string | undefined): Reader | { problem: string } {
  if (argument === undefined || !knownParameters.has(argument))
    return unknown('evt.rawarg', argument)
  const at = indexes(argument)
  const readers = events.map((event) => {
    const parameter = event.parameters.find((one) => one.name === argument)
    return parameter === undefined ? undefined : rawReader(event.name, argument, parameter.type)
  })
  return (event) => readers[event.view.eventId]?.(event, at[event.view.eventId] ?? -1)
}

/** evt.abspath: the path below its directory; `.src` and `.dst` where a call has two. */
function bindAbsolute(argument: string | undefined): Reader | { problem: string } {
  if (argument === undefined || argument === 'src') return (event) => absolute(event, sources)
  if (argument === 'dst') return (event) => absolute(event, targets)
  return { problem: 'evt.abspath takes nothing, .src or .dst' }
}

interface PathPair {
  readonly path: ReturnType<typeof textOf>
  readonly start: ReturnType<typeof textOf>
}

const pair = (path: string, start: string, only?: ReadonlySet<string>): PathPair => ({
  path: textOf(path, only),
  start: textOf(start, only),
})
const withTwo = new Set(['renameat', 'renameat2', 'linkat'])
const sources = [
  pair('oldpath', 'olddirpath', withTwo),
  pair('linkpath', 'dirpath', new Set(['symlinkat'])),
  pair('name', 'dirpath', new Set(['openat', 'openat2', 'unlinkat'])),
  pair('path', 'dirpath', new Set(['mkdirat', 'open_by_handle_at'])),
  pair('filename', 'dirpath', new Set(['fchmodat'])),
]
const targets = [pair('newpath', 'newdirpath', withTwo)]

function absolute(event: Event, pairs: readonly PathPair[]): string | undefined {
  for (const { path, start } of pairs) {
    const text = path(event.view)
    if (text !== undefined) return joinPath(start(event.view) ?? startOf(event), text)
  }
  return undefined
}

/** evt.around[T] = D cuts a piece out of a capture; a live event is never asked for it. */
const bindAround: Field['bind'] = (argument) =>
  argument !== undefined && /^\d+$/.test(argument)
    ? () => undefined
    : { problem: 'evt.around takes a time as evt.rawtime prints it' }

const data = bytesOf('data', new Set(['sendto', 'sendmsg', 'recvfrom', 'recvmsg']))
const isTalk = eventSet('sendto', 'sendmsg', 'recvfrom', 'recvmsg')

export const argumentFields: readonly Field[] = [
  indexed('evt.arg', 'string', 'one parameter as text: evt.arg.flags, evt.arg[0]', bindArgument, {
    argument: 'required',
  }),
  indexed('evt.rawarg', 'string', 'one parameter as it is: evt.rawarg.flags', bindRaw, {
    argument: 'required',
    isPlain: true,
  }),
  indexed(
    'evt.abspath',
    'string',
    'absolute path of a call that takes a directory descriptor',
    bindAbsolute,
  ),
  indexed('evt.around', 'uint', 'events around a time in a capture; missing here', bindAround, {
    argument: 'required',
    isFilterOnly: true,
    isPlain: true,
  }),
  row('evt.buffer', 'bytes', 'first bytes of what was sent or received', ({ view }) => data(view)),
  row('evt.buflen', 'uint', 'bytes that were sent or received', (event) => {
    const result = isTalk[event.id] ? returnOf(event) : undefined
    return result === undefined || result < 0 ? undefined : result
  }),
]
