import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Answer } from '../../contract/verdict.ts'
import { AnswerMemory } from './answer-memory.ts'

const DAY_MS = 24 * 3600 * 1000

function makePath() {
  const folder = mkdtempSync(join(tmpdir(), 'riposte-memory-'))
  const path = join(folder, 'answers.jsonl')
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

const answer = (id: string): Answer => ({
  id,
  operation: 'run',
  status: 'done',
  detail: `did ${id}`,
  effect: null,
  isRetryable: false,
  finishedMs: 1,
})

test('after a power cut at any byte, every answer before the last is remembered', async () => {
  using file = makePath()
  const memory = await AnswerMemory.open({ path: file.path, nowMs: () => 0 })
  for (const id of ['a', 'b', 'c']) await memory.finish(answer(id), 1000)
  await memory.close()
  const whole = readFileSync(file.path, 'utf8')
  const start = whole.lastIndexOf('{"id":"c"')

  for (let cut = start; cut < whole.length - 1; cut++) {
    writeFileSync(file.path, whole)
    truncateSync(file.path, cut)
    const again = await AnswerMemory.open({ path: file.path, nowMs: () => 0 })
    expect(['a', 'b', 'c'].map((id) => again.find(id, 'run')?.detail)).toEqual([
      'did a',
      'did b',
      undefined,
    ])
    await again.finish(answer('d'), 1000)
    await again.close()
    expect(readFileSync(file.path, 'utf8').trimEnd().split('\n')).toHaveLength(3)
  }
})

test('what was begun and not finished is known as such', async () => {
  using file = makePath()
  const memory = await AnswerMemory.open({ path: file.path, nowMs: () => 0 })
  await memory.begin('a', 'run', 1000)
  await memory.close()
  const again = await AnswerMemory.open({ path: file.path, nowMs: () => 0 })
  expect(again.find('a', 'run')).toBeNull()
  expect(again.find('b', 'run')).toBeUndefined()
  await again.close()
})

test('an answer is kept until a day after its deadline, and then forgotten', async () => {
  using file = makePath()
  const memory = await AnswerMemory.open({ path: file.path, nowMs: () => 0 })
  await memory.finish(answer('old'), 1000)
  await memory.finish(answer('new'), DAY_MS)
  await memory.close()
  const later = await AnswerMemory.open({ path: file.path, nowMs: () => DAY_MS + 1001 })
  expect(later.find('old', 'run')).toBeUndefined()
  expect(later.find('new', 'run')).toMatchObject({ detail: 'did new' })
  await later.close()
})

test('the file stays small however many orders pass', async () => {
  using file = makePath()
  let now = 0
  const memory = await AnswerMemory.open({ path: file.path, nowMs: () => now })
  for (let id = 0; id < 3000; id++) {
    now += DAY_MS
    await memory.finish(answer(String(id)), now)
  }
  await memory.close()
  expect(statSync(file.path).size).toBeLessThan(1200 * 200)
})
