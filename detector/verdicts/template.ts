/** Typed templates: `%fd.name` stands for a whole value or not at all, so an event can never write part of a command. */
import { refused, type NodeCall } from './action.ts'

type Source = Pick<NodeCall<unknown>, 'fields' | 'process' | 'place'>

/** Every field's name has a dot, so `%s` and `100%` are literals. */
const FIELD = /^%([a-z0-9_]+\.[a-z0-9_.[\]-]+)$/i

/** A literal comes back as it is; a `%field` as the text of its value. Refused when the alert carries none. */
export function resolve(text: string, source: Source): string {
  const name = FIELD.exec(text)?.[1]
  if (name === undefined) return text
  const value = source.fields[name] ?? identity(source)[name]
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string')
    throw refused(`the alert carries no single value of ${name}; name it in the rule's output`)
  if (value.includes('\0')) throw refused(`the value of ${name} holds a NUL`)
  return value
}

/** What every alert about a process says of it, whether the rule's output names it or not. */
function identity({ process, place }: Source): Record<string, string | number | undefined> {
  return {
    'proc.pid': process?.pid,
    'proc.ppid': process?.parentPid,
    'proc.sid': process?.sessionId,
    'proc.name': process?.name,
    'proc.exepath': process?.exePath,
    'proc.cmdline': process?.commandLine,
    'user.uid': process?.userId,
    'container.id': place?.containerId ?? undefined,
  }
}
