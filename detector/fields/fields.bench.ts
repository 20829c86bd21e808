/** Nanoseconds a read of common fields, through the view of the live rings; and of applying a record to the state. */
import { encode } from '../events/encode.ts'
import { createEvent } from '../events/event.ts'
import { type Memory, memoryOf } from '../events/memory.ts'
import { RecordView } from '../events/record-view.ts'
import { apply } from '../state/apply.ts'
import { createState } from '../state/state.ts'
import { syscallFields } from './table.ts'

const ROUNDS = 2_000_000
const shell = {
  event: 'execve',
  pid: 100,
  startTimeNs: 5n,
  parameters: {
    res: 0,
    comm: 'bash',
    exe: '-bash',
    args: ['-c', 'cat /etc/shadow'],
    trusted_exepath: '/usr/bin/bash',
    cwd: '/root',
    cgroups: ['/system.slice/ssh.service'],
    tty: 34816,
    loginuid: 0,
    flags: 1,
  },
}
const cat = { ...shell, pid: 101, parentPid: 100, parameters: { ...shell.parameters, comm: 'cat' } }
const open = {
  event: 'openat',
  pid: 101,
  startTimeNs: 5n,
  parameters: {
    fd: 3,
    dirfd: -100,
    name: '../etc/shadow',
    path: '/etc/shadow',
    dirpath: '/root',
    flags: 0o2000000,
    mode: 0,
    inode_mode: 0o100640,
    file_state: 0,
  },
}
const connect = {
  event: 'connect',
  pid: 101,
  startTimeNs: 5n,
  parameters: {
    res: 0,
    fd: 4,
    tuple: {
      family: 'ipv4',
      protocol: 'tcp',
      role: 'client',
      localIp: '10.0.0.1',
      localPort: 4711,
      remoteIp: '93.184.216.34',
      remotePort: 443,
      path: '',
    },
  },
} as const

const copied = (record: Uint8Array): Memory => memoryOf(new Uint8Array(record).buffer)
const memories = { shell, cat, open, connect }
const [shellMemory, catMemory, openMemory, connectMemory] = Object.values(memories).map((record) =>
  copied(encode(record)),
)
if (!shellMemory || !catMemory || !openMemory || !connectMemory) throw new Error('no records')

const view = new RecordView(shellMemory)
const event = createEvent(view, createState({ lookUpsPerSecond: 0 }))
for (const memory of [shellMemory, catMemory]) {
  view.point(memory, 0)
  apply(event)
}

/** The best of five rounds: others use the machine, too. */
function nanoseconds(run: () => void): number {
  let best = Infinity
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint()
    run()
    best = Math.min(best, Number(process.hrtime.bigint() - start) / ROUNDS)
  }
  return best
}

function measure(memory: Memory, names: readonly string[]): void {
  view.point(memory, 0)
  apply(event)
  for (const text of names) {
    const [, name = '', argument] = /^([^[]+)(?:\[(.*)\])?$/.exec(text) ?? []
    const use = syscallFields.find(name, argument)
    if ('problem' in use) throw new Error(use.problem)
    const { read } = use
    let seen = 0
    const took = nanoseconds(() => {
      for (let count = 0; count < ROUNDS; count++) {
        // As with a new record: what was derived from the last one is no longer known.
        event.number++
        if (read(event) !== undefined) seen++
      }
    })
    console.log(`${took.toFixed(1).padStart(8)} ns  ${text}${seen === 0 ? ' (missing)' : ''}`)
  }
}

console.log('open:')
measure(openMemory, [
  'evt.type',
  'evt.rawres',
  'evt.is_open_read',
  'evt.arg.flags',
  'evt.time',
  'fd.name',
  'fd.directory',
  'fd.filename',
  'fd.num',
  'fd.typechar',
  'fd.nameraw',
  'fd.name_differs',
  'proc.name',
  'proc.pname',
  'proc.aname[2]',
  'proc.aname',
  'proc.cmdline',
  'proc.exepath',
  'proc.tty',
  'proc.duration',
  'container.id',
  'user.name',
  'user.uid',
])
console.log('connect:')
measure(connectMemory, ['fd.name', 'fd.sip', 'fd.sport', 'fd.l4proto', 'fd.typechar', 'fd.net'])

console.log('apply:')
for (const [name, memory] of [
  ['open of a known process', openMemory],
  ['exec', catMemory],
  ['connect', connectMemory],
] as const) {
  const took = nanoseconds(() => {
    for (let count = 0; count < ROUNDS; count++) {
      view.point(memory, 0)
      apply(event)
    }
  })
  console.log(`${took.toFixed(1).padStart(8)} ns  ${name}`)
}
