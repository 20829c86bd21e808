import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { recordFlags } from '../events/schema.ts'
import { eventFrom, valueOf } from '../fields/testing.ts'
import { createHost } from './host.ts'
import { readProcess } from './proc-files.ts'
import { createState } from './state.ts'

/** A real child that waits, and is gone at the end of the `await using` block. */
function sleeper() {
  const child = spawn('sleep', ['60'], { env: { MARK: 'learned' }, cwd: '/tmp' })
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

test('an unknown process is learned from /proc, with its ancestors', async () => {
  await using child = sleeper()
  const state = createState()
  const startTimeNs = (readProcess('/proc', child.pid)?.startTimeNs ?? 0n) + 1_234_567n
  const event = eventFrom(state, {
    event: 'openat',
    pid: child.pid,
    parentPid: process.pid,
    startTimeNs,
    timeNs: startTimeNs,
  })
  expect(valueOf(event, 'proc.cmdline')).toBe('sleep 60')
  expect(valueOf(event, 'proc.exepath')).toMatch(/\/(?:sleep|coreutils)$/)
  expect(valueOf(event, 'proc.cwd')).toBe('/tmp')
  expect(valueOf(event, 'proc.env[MARK]')).toBe('learned')
  expect(valueOf(event, 'proc.ppid')).toBe(process.pid)
  expect(valueOf(event, 'proc.vpid')).toBe(child.pid)
  expect(valueOf(event, 'proc.pname')).toBe(readFileSync('/proc/self/comm', 'utf8').trim())
  expect(valueOf(event, 'container.id')).toBe(readProcess('/proc', child.pid)?.containerId)
  expect(state.learner.counts.made).toBeGreaterThan(1)
})

test('a pid that belongs to another process by now is not mistaken for it', async () => {
  await using child = sleeper()
  const state = createState()
  const event = eventFrom(state, { event: 'openat', pid: child.pid, startTimeNs: 5n })
  expect(valueOf(event, 'proc.name')).toBeUndefined()
})

test('beyond the limit a process is what its record tells', () => {
  const state = createState({ lookUpsPerSecond: 3 })
  for (let pid = 900_000; pid < 900_010; pid++)
    eventFrom(state, { event: 'openat', pid, parentPid: 0 })
  expect(state.learner.counts).toEqual({ made: 3, refused: 7 })
  expect(state.processes.counts.live).toBe(10)
})

test('a scan of /proc enters everything that runs, under its parents', async () => {
  await using child = sleeper()
  const state = createState()
  state.learner.scan(state.host.nowNs())
  const found = state.processes.current(child.pid)
  expect(found?.name).toBe('sleep')
  expect(found?.parent?.pid).toBe(process.pid)
  expect(state.processes.counts.live).toBeGreaterThan(2)
})

test('what the kernel left out of its scan is read from /proc when the scan ends', async () => {
  await using child = sleeper()
  const state = createState()
  const startTimeNs = readProcess('/proc', child.pid)?.startTimeNs ?? 0n
  eventFrom(state, {
    event: 'execve',
    pid: child.pid,
    parentPid: process.pid,
    startTimeNs,
    flags: recordFlags.scanned,
    parameters: { res: 0, comm: 'sleep' },
  })
  expect(state.processes.current(child.pid)?.parent).toBeUndefined()
  state.endScan()
  expect(state.processes.current(child.pid)?.parent?.pid).toBe(process.pid)
  expect(state.processes.current(1)?.name).toBe(readFileSync('/proc/1/comm', 'utf8').trim())
})

test('after its exit was lost a process is ended by reconciling with /proc', async () => {
  const state = createState({ processes: { graceNs: 0n } })
  let pid = 0
  {
    await using child = sleeper()
    pid = child.pid
    state.learner.scan(state.host.nowNs())
  }
  state.reconcile()
  expect(state.processes.current(pid)?.exitedNs).not.toBeUndefined()
  expect(state.processes.current(process.pid)?.exitedNs).toBeUndefined()
})

test('a boot-clock time becomes the wall-clock time of the same moment', () => {
  const host = createHost({ FALCO_HOSTNAME: 'named' })
  expect(host.hostname).toBe('named')
  expect(host.bootId).toMatch(/^[0-9a-f-]{36}$/)
  const before = Date.now()
  const wallMs = Number(host.wallTimeNs(host.nowNs()) / 1_000_000n)
  expect(wallMs).toBeGreaterThanOrEqual(before - 1)
  expect(wallMs).toBeLessThanOrEqual(Date.now() + 1)
  const start = readProcess('/proc', process.pid)?.startTimeNs ?? 0n
  const startedMs = before - Math.round(process.uptime() * 1000)
  // /proc/<pid>/stat has ticks of 10 ms; the runtime starts its own clock a moment later.
  expect(Math.abs(Number(host.wallTimeNs(start) / 1_000_000n) - startedMs)).toBeLessThan(2000)
})
