/** A run ends with its owner, whatever that one died of. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, jest } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { eventually } from '../support/eventually.ts'
import { cgroupsOf, processesIn } from './cgroups.ts'
import { takeLease } from './lease.ts'
import { linksOf, netnsOf } from './network.ts'
import { folderOf, mountsBelow, recordOf } from './sweep.ts'

const test = needs('cluster')
jest.setTimeout(180_000)

const script = join(import.meta.dirname, 'lease-child.ts')

async function start(
  what: 'cluster' | 'control-plane',
): Promise<{ child: ChildProcess; runId: string }> {
  const child = spawn(process.execPath, [script, what], {
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout }))
    if (line.startsWith('run ')) return { child, runId: line.slice('run '.length) }
  throw new Error(`the ${what} did not start`)
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** Everything that a run has on this machine. */
async function tracesOf(runId: string): Promise<string[]> {
  const groups = await cgroupsOf(`${runId}-`)
  const pids = new Set((await Promise.all(groups.map(processesIn))).flat())
  const [folder, record] = [folderOf(runId), recordOf(runId)]
  return [
    ...[...pids].map((pid) => `process ${pid}`),
    ...groups,
    ...(await netnsOf(runId)),
    ...(await linksOf(runId)),
    ...(await mountsBelow(`${folder}/`)),
    ...[folder, record].filter(existsSync),
  ]
}

const isEmpty = (traces: readonly string[]) => traces.length === 0

test('a control plane whose owner is killed is swept by its reaper', async () => {
  const { child, runId } = await start('control-plane')
  expect(await tracesOf(runId)).toContain(runId)

  await killed(child)

  await eventually(() => tracesOf(runId), isEmpty)
})

test('a cluster whose owner and reaper are killed is swept by the next to start one', async () => {
  const { child, runId } = await start('cluster')
  const { reaperPid } = JSON.parse(await readFile(recordOf(runId), 'utf8')) as { reaperPid: number }
  process.kill(reaperPid, 'SIGKILL')
  await killed(child)
  // The pod's shim and program outlive kubelet and containerd.
  expect((await tracesOf(runId)).filter((trace) => trace.startsWith('process '))).not.toEqual([])

  const next = await takeLease()
  await next[Symbol.asyncDispose]()

  expect(await tracesOf(runId)).toEqual([])
})
