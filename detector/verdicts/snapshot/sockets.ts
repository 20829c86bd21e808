/** The sockets that a process holds, from its descriptors and the tables of its own network namespace. */
import { readdirSync } from 'node:fs'
import { endianness } from 'node:os'
import { orMissing } from '../cgroups.ts'
import { readProc, readProcLink } from '../proc.ts'

interface HeldSocket {
  readonly fd: number
  readonly inode: string
  readonly protocol: string | null
  readonly state?: string
  readonly local?: string
  readonly remote?: string
  readonly path?: string
}

const tables = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'] as const

/** include/net/tcp_states.h, from 1. */
const states =
  'established syn_sent syn_recv fin_wait1 fin_wait2 time_wait close close_wait last_ack listen closing new_syn_recv'.split(
    ' ',
  )

export function sockets(pid: number): HeldSocket[] {
  const known = new Map([...tables.flatMap((table) => rows(pid, table)), ...unixRows(pid)])
  const names = orMissing(() => readdirSync(`/proc/${pid}/fd`)) ?? []
  return names.flatMap((name) => {
    const inode = /^socket:\[(\d+)\]$/.exec(readProcLink(pid, `fd/${name}`) ?? '')?.[1]
    if (inode === undefined) return []
    return [{ fd: Number(name), inode, ...(known.get(inode) ?? { protocol: null }) }]
  })
}

type Row = [string, Omit<HeldSocket, 'fd' | 'inode'>]

const lines = (pid: number, table: string): string[][] =>
  (readProc(pid, `net/${table}`) ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))

function rows(pid: number, protocol: (typeof tables)[number]): Row[] {
  return lines(pid, protocol).flatMap((columns) => {
    const [, local, remote, state = '', , , , , , inode] = columns
    if (local === undefined || remote === undefined || inode === undefined) return []
    const stateName = states[parseInt(state, 16) - 1] ?? state
    return [[inode, { protocol, state: stateName, local: address(local), remote: address(remote) }]]
  })
}

function unixRows(pid: number): Row[] {
  return lines(pid, 'unix').flatMap((columns) => {
    const [, , , , , , inode, path = ''] = columns
    return inode === undefined ? [] : [[inode, { protocol: 'unix', path }]]
  })
}

/** `0100007F:1F90` → `127.0.0.1:8080`: words of 32 bits printed as numbers, so in the machine's byte order. */
export function address(text: string): string {
  const [host = '', port = ''] = text.split(':')
  const bytes = Buffer.from(host, 'hex')
  if (endianness() === 'LE') bytes.swap32()
  const number = parseInt(port, 16)
  if (bytes.length === 4) return `${[...bytes].join('.')}:${number}`
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16))
  return `[${groups.join(':')}]:${number}`
}
