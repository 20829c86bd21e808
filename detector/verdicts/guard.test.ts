import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createGuard } from './guard.ts'
import { testScope } from './testing.ts'

let directory: string
let child: ChildProcess | undefined
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'riposte-guard-')))
  writeFileSync(join(directory, 'riposte.js'), 'process.send("up"); setInterval(() => 0, 1000)')
  writeFileSync(join(directory, 'other.js'), 'process.send("up"); setInterval(() => 0, 1000)')
})
afterEach(async () => {
  if (child?.exitCode === null) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(directory, { recursive: true, force: true })
})

/** Why a process of our interpreter with these arguments is not touched, where riposte.js is the command. */
async function reasonFor(...args: string[]): Promise<string | undefined> {
  const stdio = ['ignore', 'ignore', 'ignore', 'ipc'] as const
  child = spawn(process.execPath, args, { cwd: directory, stdio: [...stdio], env: {} })
  await once(child, 'message')
  const guard = createGuard({ programs: [] }, testScope(), () => [], join(directory, 'riposte.js'))
  return guard.reason({ pid: child.pid ?? 0, startTicks: 0, name: 'node' })
}

test('the riposte command in somebody hands is never touched', async () => {
  expect(await reasonFor('riposte.js', 'containments', 'undo')).toBe('it is the riposte command')
})

test('the riposte command is known through its link and behind its first line', async () => {
  symlinkSync(join(directory, 'riposte.js'), join(directory, 'riposte'))
  expect(await reasonFor('--max-semi-space-size=2', 'riposte')).toBe('it is the riposte command')
})

test('another script, or ours with something loaded before it, is not the riposte command', async () => {
  expect(await reasonFor('other.js', 'riposte.js')).toBeUndefined()
  child?.kill('SIGKILL')
  expect(await reasonFor('--require', './other.js', 'riposte.js')).toBeUndefined()
})
