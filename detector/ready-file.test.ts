import { existsSync, mkdtempSync, rmSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { keepReadyFile } from './ready-file.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ready-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(20)
}

test('the file is there and young while we are ready, and gone afterwards', async () => {
  const path = join(directory, 'ready')
  const ready = keepReadyFile(path)
  expect(existsSync(path)).toBe(true)
  utimesSync(path, new Date(0), new Date(0))
  await until(() => statSync(path).mtimeMs > 0)
  ready[Symbol.dispose]()
  expect(existsSync(path)).toBe(false)
}, 20_000)

test('a directory that is not there is said at once, not by a probe that never succeeds', () => {
  expect(() => keepReadyFile(join(directory, 'missing/ready'))).toThrow('ENOENT')
})

test('without a path there is no file', () => {
  keepReadyFile('')[Symbol.dispose]()
  expect(existsSync('')).toBe(false)
})
