import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { claimDirectory } from './claim.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'riposte-claim-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

test('a data directory belongs to one responder until it lets go', async () => {
  const first = await claimDirectory(directory)
  await expect(claimDirectory(directory)).rejects.toThrow(/another responder .* use another --data/)
  await first[Symbol.asyncDispose]()
  await using second = await claimDirectory(directory)
  expect(second).toBeDefined()
})

test('a responder that was killed leaves its directory to the next', async () => {
  const holder = join(directory, 'holder.ts')
  const module = join(import.meta.dirname, 'claim.ts')
  writeFileSync(
    holder,
    `import { claimDirectory } from ${JSON.stringify(module)}
     await claimDirectory(${JSON.stringify(directory)})
     setInterval(() => 0, 60_000)
     process.send('held')`,
  )
  const child = fork(holder, { execArgv: [] })
  await once(child, 'message')
  await expect(claimDirectory(directory)).rejects.toThrow(/another responder/)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await using next = await claimDirectory(directory)
  expect(next).toBeDefined()
})
