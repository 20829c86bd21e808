import { expect, test } from '@jest/globals'
import type { RecordSource } from '../events/encode.ts'
import { recordFlags } from '../events/schema.ts'
import { eventFrom, testState, valueOf } from '../fields/testing.ts'
import type { State } from './state.ts'

const SECOND = 1_000_000_000n

const exec = (pid: number, comm: string, more: Partial<RecordSource> = {}): RecordSource => ({
  event: 'execve',
  pid,
  startTimeNs: BigInt(pid) * SECOND,
  timeNs: BigInt(pid) * SECOND,
  ...more,
  parameters: { res: 0, comm, exe: comm, args: [], vpid: pid, ...more.parameters },
})
const fork = (parent: number, child: number, more: Partial<RecordSource> = {}): RecordSource => ({
  event: 'clone',
  pid: parent,
  startTimeNs: BigInt(parent) * SECOND,
  timeNs: BigInt(child) * SECOND,
  ...more,
  parameters: {
    res: child,
    child_pid: child,
    child_start: BigInt(child) * SECOND,
    ...more.parameters,
  },
})
const act = (pid: number, more: Partial<RecordSource> = {}): RecordSource => ({
  event: 'openat',
  pid,
  startTimeNs: BigInt(pid) * SECOND,
  timeNs: BigInt(pid) * SECOND + 1n,
  ...more,
})
const exit = (pid: number, timeNs: bigint): RecordSource => ({
  event: 'procexit',
  pid,
  startTimeNs: BigInt(pid) * SECOND,
  timeNs,
})
const ask = (state: State, record: RecordSource, ...fields: string[]) => {
  const event = eventFrom(state, record)
  return fields.map((field) => valueOf(event, field))
}

test('a child is what its parent was until it executes', () => {
  const state = testState()
  eventFrom(state, exec(1, 'bash', { parameters: { cwd: '/srv', env: ['A=1'] } }), fork(1, 2))
  expect(ask(state, act(2), 'proc.name', 'proc.pname', 'proc.cwd', 'proc.vpid')).toEqual([
    'bash',
    'bash',
    '/srv',
    2,
  ])
  eventFrom(state, exec(2, 'nc'))
  expect(ask(state, act(2), 'proc.name', 'proc.pname')).toEqual(['nc', 'bash'])
})

test('an exec that is told before its clone keeps its image and gets its lineage', () => {
  const state = testState()
  eventFrom(state, exec(1, 'bash'), exec(2, 'nc'), fork(1, 2))
  expect(ask(state, act(2), 'proc.name', 'proc.pname')).toEqual(['nc', 'bash'])
})

test('a thread is no process of its own', () => {
  const state = testState()
  const thread = fork(1, 1, { parameters: { res: 9, child_pid: 1, child_tid: 9 } })
  const event = eventFrom(state, exec(1, 'java'), thread)
  expect(valueOf(event, 'evt.is_thread')).toBe(true)
  expect(state.processes.counts.live).toBe(1)
  eventFrom(state, { ...exit(1, 5n * SECOND), tid: 9 })
  expect(state.processes.counts.live).toBe(1)
})

test('an exec that fails leaves the image as it was', () => {
  const state = testState()
  eventFrom(state, exec(1, 'bash'), exec(1, 'bash', { parameters: { res: -2, comm: 'nothing' } }))
  expect(ask(state, act(1), 'proc.name')).toEqual(['bash'])
})

test('eight exited generations are still the lineage of who survives them', () => {
  const state = testState()
  eventFrom(state, exec(1, 'g1'))
  for (let pid = 2; pid <= 9; pid++) {
    eventFrom(state, fork(pid - 1, pid), exec(pid, `g${pid}`))
    eventFrom(state, exit(pid - 1, BigInt(pid) * SECOND))
  }
  // Long after the grace of all of them.
  eventFrom(state, exec(50, 'other', { timeNs: 1000n * SECOND }), exit(50, 1001n * SECOND))
  const [names, isOrphan, parent] = ask(
    state,
    act(9, { timeNs: 1002n * SECOND, parentPid: 1 }),
    'proc.aname',
    'proc.is_orphan',
    'proc.ppid',
  )
  expect(names).toEqual(['g8', 'g7', 'g6', 'g5', 'g4', 'g3', 'g2', 'g1'])
  expect([isOrphan, parent]).toEqual([true, 8])
  expect(state.processes.counts.live).toBe(1)
})

test('a late event of an exited process still finds it, also when its pid is taken over', () => {
  const state = testState()
  eventFrom(state, exec(7, 'old'), exit(7, 8n * SECOND))
  eventFrom(state, exec(7, 'new', { startTimeNs: 9n * SECOND, timeNs: 9n * SECOND }))
  expect(ask(state, act(7), 'proc.name')).toEqual(['old'])
  expect(ask(state, act(7, { startTimeNs: 9n * SECOND }), 'proc.name')).toEqual(['new'])
})

test('a pid that is used again without an exit having been told is another process', () => {
  const state = testState()
  eventFrom(state, exec(7, 'old'))
  expect(ask(state, act(7, { startTimeNs: 9n * SECOND }), 'proc.name')).toEqual([undefined])
  expect(state.processes.counts).toMatchObject({ live: 1, exited: 1, missedExits: 1 })
})

test('what the scan finds is state, not an event, whichever of two relatives comes first', () => {
  const state = testState()
  const flags = recordFlags.scanned
  const event = eventFrom(
    state,
    exec(2, 'bash', { flags, parentPid: 1 }),
    exec(1, 'systemd', { flags }),
    act(2),
  )
  expect(valueOf(event, 'evt.num')).toBe(1)
  expect(valueOf(event, 'proc.aname')).toEqual(['systemd'])
})

test('a process changes its name, its directory, its session, its group and its capabilities', () => {
  const state = testState()
  const call = (event: string, parameters: RecordSource['parameters']): RecordSource =>
    act(3, { event, parameters: { res: 0, ...parameters } })
  eventFrom(
    state,
    exec(3, 'worm', { parameters: { args: ['-x'], sid: 1, pgid: 1, vpgid: 1, vpid: 3 } }),
    call('prctl', { option: 15, arg2_str: 'kworker/0:1-events-long' }),
    call('prctl', { res: -1, option: 15, arg2_str: 'refused' }),
    call('chdir', { path: 'x', cwd: '/x' }),
    call('setsid', { res: 3 }),
    call('setgid', { gid: 9 }),
    call('setregid', { rgid: 4, egid: 0xffff_ffff }),
    call('capset', { cap_effective: 1n }),
  )
  const fields = ['proc.cmdline', 'proc.cwd', 'proc.sid', 'proc.is_sid_leader', 'proc.pgid']
  expect(ask(state, act(3), ...fields, 'group.gid', 'thread.cap_effective')).toEqual([
    'kworker/0:1-eve -x',
    '/x',
    3,
    true,
    3,
    9,
    'CAP_CHOWN',
  ])
  eventFrom(state, call('setpgid', { pid: 0, pgid: 2 }))
  expect(ask(state, act(3), 'proc.vpgid', 'proc.is_vpgid_leader')).toEqual([2, false])
})

test('credentials are those of the event, not of the exec', () => {
  const state = testState()
  eventFrom(state, exec(1, 'su', { userId: 1000 }))
  expect(ask(state, act(1, { userId: 0 }), 'user.uid', 'user.name')).toEqual([0, 'root'])
})
