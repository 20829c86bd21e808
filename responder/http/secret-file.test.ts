import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { readSecret } from './secret-file.ts'

const secret = 'long enough for a secret'
let directory = ''
let path = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'riposte-secret-'))
  path = join(directory, 'secret')
  writeFileSync(path, `${secret}\n`)
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

test.each([0o640, 0o604, 0o620])('a file of ours of mode %o is refused', (mode) => {
  chmodSync(path, mode)
  expect(() => readSecret(path)).toThrow('others can read it')
})

needs('root')('a file of somebody else may be for our group, and for nobody else', () => {
  chownSync(path, 1, 0)
  chmodSync(path, 0o440)
  expect(readSecret(path)).toBe(secret)
  for (const mode of [0o444, 0o460]) {
    chmodSync(path, mode)
    expect(() => readSecret(path)).toThrow('others can read it')
  }
})
