import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { executeVerdict } from './execute.ts'
import { openTestContext, order, startVictim, until, withArgument } from './testing.ts'

/** A program that writes a line each time it runs; `more` is what else it does. */
function makeProgram(more = '') {
  const folder = mkdtempSync(join(tmpdir(), 'riposte-program-'))
  const path = join(folder, 'program')
  const log = join(folder, 'log')
  writeFileSync(path, `#!/bin/sh\necho ran >> ${log}\n${more}\n`)
  chmodSync(path, 0o755)
  return {
    path,
    runs: () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').length : 0),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

test('an order that comes again is answered with the first answer, also after a restart, and has no second effect', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'riposte-data-'))
  using program = makeProgram()
  try {
    const settings = { dataDir, programs: [program.path] }
    const verdict = order('run_program', null, { parameters: { argv: [program.path] } })
    const first = await openTestContext(settings)
    const answer = await executeVerdict(verdict, first)
    expect(await executeVerdict(verdict, first)).toEqual(answer)
    await first[Symbol.asyncDispose]()

    await using second = await openTestContext(settings)
    expect(await executeVerdict(verdict, second)).toEqual(answer)
    expect(answer.status).toBe('done')
    expect(program.runs()).toBe(1)
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})

test('orders that arrive together are one', async () => {
  using program = makeProgram()
  await using context = await openTestContext({ programs: [program.path] })
  const verdict = order('run_program', null, { parameters: { argv: [program.path] } })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => executeVerdict(verdict, context)),
  )
  expect(new Set(answers.map(({ finishedMs }) => finishedMs)).size).toBe(1)
  expect(program.runs()).toBe(1)
})

test('a program that a kill -9 of the node interrupted is not begun again', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'riposte-data-'))
  using program = makeProgram('sleep 77301')
  const verdict = order('run_program', null, { parameters: { argv: [program.path] } })
  const folder = new URL('.', import.meta.url).pathname
  const node = `
    const { executeVerdict } = await import('${folder}execute.ts')
    const { openTestContext } = await import('${folder}testing.ts')
    const context = await openTestContext(${JSON.stringify({ dataDir, programs: [program.path] })})
    await executeVerdict(${JSON.stringify(verdict)}, context)`
  try {
    const child = spawn(process.execPath, ['--input-type=module', '-e', node], { stdio: 'inherit' })
    await until(() => program.runs() === 1)
    child.kill('SIGKILL')
    await once(child, 'exit')

    await using context = await openTestContext({ dataDir, programs: [program.path] })
    expect(await executeVerdict(verdict, context)).toMatchObject({
      status: 'failed',
      isRetryable: false,
      detail: 'the node restarted while it did this; whether it was finished is not known',
    })
    expect(program.runs()).toBe(1)
  } finally {
    for (const { pid } of withArgument('77301')) process.kill(pid, 'SIGKILL')
    rmSync(dataDir, { recursive: true })
  }
})

test('an order after its deadline, for another boot or for an unknown action has no effect', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])
  const kill = order('kill_process', victim.identity)
  const answers = await Promise.all([
    executeVerdict({ ...kill, id: 'late', deadlineMs: Date.now() - 1 }, context),
    executeVerdict({ ...kill, id: 'boot', bootId: 'another' }, context),
    executeVerdict({ ...kill, id: 'name', action: 'kill-proces' }, context),
    executeVerdict({ ...kill, id: 'parameter', parameters: { scop: 'tree' } }, context),
  ])
  expect(answers.map(({ status }) => status)).toEqual([
    'expired',
    'target_gone',
    'refused',
    'refused',
  ])
  expect(answers[2]?.detail).toBe('unknown action "kill-proces"; did you mean kill_process?')
  expect(withArgument('1000').map(({ pid }) => pid)).toContain(victim.pid)
})

test('the kill switch stops what changes something, not what undoes it or only looks', async () => {
  await using context = await openTestContext()
  await using stopped = await openTestContext({ dataDir: context.dataDir, isKillSwitchOn: true })
  await using victim = await startVictim(['sleep', '1000'])
  const freeze = order('freeze', victim.identity)
  expect(await executeVerdict({ ...freeze, id: 'other' }, stopped)).toMatchObject({
    status: 'refused',
    detail: 'the kill switch is on',
  })
  expect(await executeVerdict(freeze, stopped)).toMatchObject({ status: 'refused' })
  // The switch was off again; the same order may now be carried out.
  const { status, effect } = await executeVerdict(freeze, context)
  expect(status).toBe('done')
  const snapshot = order('capture_snapshot', victim.identity, { id: 'look' })
  expect(await executeVerdict(snapshot, stopped)).toMatchObject({ status: 'done' })
  const undo = { ...freeze, operation: 'undo' as const, effect }
  expect(await executeVerdict(undo, stopped)).toMatchObject({ status: 'done' })
})

test('a run that was overtaken by its undo is refused', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])
  const freeze = order('freeze', victim.identity)
  const { effect } = await executeVerdict({ ...freeze, operation: 'plan' }, context)
  await executeVerdict({ ...freeze, operation: 'undo', effect }, context)
  expect(await executeVerdict(freeze, context)).toMatchObject({
    status: 'refused',
    detail: 'it has been undone already',
  })
})
