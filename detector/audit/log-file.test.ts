import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { eventually } from '../../e2e/support/eventually.ts'
import { AuditLogFile } from './log-file.ts'
import type { ParsedAudit } from './parse.ts'
import { AuditSourceError } from './source.ts'
import { auditEvent } from './testing.ts'

let directory = ''
let log = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'audit-log-'))
  log = join(directory, 'audit.log')
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

const line = (id: string) => `${JSON.stringify(auditEvent({ auditID: id }))}\n`

function reader(isFollowed: boolean, path = log) {
  const seen: string[] = []
  const refused: string[] = []
  const state = { isKept: true, attempts: 0 }
  const file = new AuditLogFile(
    { kind: 'file', path, isFollowed, maxEventBytes: 4096 },
    join(directory, 'data'),
    {
      take(parsed: ParsedAudit) {
        state.attempts++
        refused.push(...parsed.refused)
        if (state.isKept) seen.push(...parsed.records.map(({ auditId }) => auditId))
        return Promise.resolve(state.isKept)
      },
      say: () => undefined,
    },
  )
  return { file, seen, refused, state }
}

test('a file is read to its end, the last line without its newline too', async () => {
  writeFileSync(log, `${line('a')}\n${line('b')}no JSON\n${'x'.repeat(5000)}\n${line('c').trim()}`)
  const { file, seen, refused } = reader(false)
  await file.start()
  await file.ended
  expect(seen).toEqual(['a', 'b', 'c'])
  expect(refused).toEqual(['not JSON', 'a line has more than maxEventSize (4096) bytes'])
})

test('a file that is not there is an error at once', async () => {
  await expect(reader(false).file.start()).rejects.toThrow(AuditSourceError)
})

test('a followed log begins at its end, goes on across rotations, and after a restart where it was', async () => {
  writeFileSync(log, line('old'))
  const first = reader(true)
  await first.file.start()
  await eventually(
    () => {
      appendFileSync(log, line('probe'))
      return Promise.resolve(first.seen.length)
    },
    (count) => count > 0,
  )
  first.seen.length = 0
  appendFileSync(log, line('a').slice(0, 30))
  appendFileSync(log, line('a').slice(30))
  appendFileSync(log, line('b'))
  renameSync(log, join(directory, 'audit-1.log'))
  appendFileSync(join(directory, 'audit-1.log'), line('c'))
  writeFileSync(log, line('d'))
  await eventually(
    () => Promise.resolve(first.seen),
    (seen) => seen.includes('d'),
  )
  expect(first.seen.filter((id) => id !== 'probe')).toEqual(['a', 'b', 'c', 'd'])
  await first.file.stop()

  appendFileSync(log, line('e'))
  renameSync(log, join(directory, 'audit-2.log'))
  writeFileSync(log, line('f'))
  const second = reader(true)
  await second.file.start()
  await eventually(
    () => Promise.resolve(second.seen),
    (seen) => seen.includes('f'),
  )
  await second.file.stop()
  expect(second.seen).toEqual(['e', 'f'])
}, 60_000)

test('lines whose alerts cannot be kept are read again, not passed over', async () => {
  writeFileSync(log, line('a'))
  const { file, seen, state } = reader(false)
  state.isKept = false
  await file.start()
  await eventually(
    () => Promise.resolve(state.attempts),
    (attempts) => attempts > 0,
  )
  expect(seen).toEqual([])
  state.isKept = true
  await file.ended
  expect(seen).toEqual(['a'])
}, 30_000)
