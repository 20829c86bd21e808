/**
 * Run with only some capabilities: tries what the detector does, one feature after the other, and prints which worked as
 * JSON (`true`, or why not). Started by e2e/privileges.test.ts, which made the victim.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { z } from 'zod'
import { placeSchema, processIdentitySchema } from '../../contract/alert.ts'
import type { Operation, Verdict } from '../../contract/verdict.ts'
import { isBpfFailure } from '../../detector/native.ts'
import { openScope } from '../../detector/scope/scope.ts'
import { observe } from '../../detector/sources/observe.ts'
import { readProcess } from '../../detector/state/proc-files.ts'
import { openVerdictContext } from '../../detector/verdicts/context.ts'
import { executeVerdict } from '../../detector/verdicts/execute.ts'

const {
  process: victim,
  place,
  data,
  file,
  bootId,
} = z
  .object({
    process: processIdentitySchema,
    place: placeSchema,
    data: z.string(),
    file: z.string(),
    bootId: z.string(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''))

const context = await openVerdictContext({
  dataDir: join(data, 'node'),
  guard: { programs: [] },
  scope: openScope({ scope: 'auto', cgroupRoot: '/sys/fs/cgroup' }),
  programs: [],
  ownPids: () => [process.pid],
  isKillSwitchOn: () => false,
  nowMs: Date.now,
})

const ask = (
  operation: Operation,
  action: string,
  parameters: Verdict['parameters'],
  effect: Verdict['effect'],
) =>
  executeVerdict(
    {
      id: `${action}-${JSON.stringify(parameters)}`,
      operation,
      action,
      parameters,
      bootId,
      process: victim,
      place,
      fields: {},
      effect,
      deadlineMs: Date.now() + 30_000,
    },
    context,
  )

/** Plan, run, verify, and undo where that is possible. */
async function act(action: string, parameters: Verdict['parameters'] = {}): Promise<true | string> {
  const run = await ask('run', action, parameters, null)
  if (run.status !== 'done') return `${run.status}: ${run.detail}`
  if (run.detail.includes('without')) return run.detail
  const verify = await ask('verify', action, parameters, run.effect)
  if (verify.status !== 'done') return `${verify.status}: ${verify.detail}`
  if (action === 'kill_process' || action === 'capture_snapshot') return true
  const undo = await ask('undo', action, parameters, run.effect)
  return undo.status === 'done' || `${undo.status}: ${undo.detail}`
}

function detect(): true | string {
  try {
    const records = observe(['openat'], () => execFileSync('cat', ['/etc/hostname']))
    return records.some(({ parameters }) => parameters['path'] === '/etc/hostname') || 'not seen'
  } catch (error) {
    if (isBpfFailure(error)) return error.message
    throw error
  }
}

const results = {
  detect: detect(),
  look: readProcess('/proc', victim.pid)?.exePath !== undefined || 'no path',
  capture_snapshot: await act('capture_snapshot'),
  quarantine_file: file !== '' ? await act('quarantine_file', { path: file }) : 'skipped',
  block_network: await act('block_network', { scope: 'pod' }),
  'freeze container': await act('freeze', { scope: 'container' }),
  'freeze tree': await act('freeze', { scope: 'tree' }),
  kill_process: await act('kill_process', { scope: 'container' }),
}
await context[Symbol.asyncDispose]()
process.stdout.write(JSON.stringify(results))
