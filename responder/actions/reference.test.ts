import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { actions } from './index.ts'
import { printReference } from './reference.ts'

test('docs/reference/actions.md says what the records say (else: node scripts/print-actions.ts)', () => {
  const page = new URL('../../docs/reference/actions.md', import.meta.url)
  expect(readFileSync(page, 'utf8')).toBe(printReference(actions))
})

test('every action that can be undone says what undo does, and no other', () => {
  for (const action of actions)
    expect([action.name, action.undoes !== null]).toEqual([action.name, 'undo' in action])
})

test('every parameter has a sentence, and every action can be asked for without any', () => {
  const needing = ['run_program', 'exec_in_pod', 'create_job']
  for (const { name, parameters } of actions.filter(({ name: each }) => !needing.includes(each)))
    expect([name, parameters.safeParse({}).success]).toEqual([name, true])
  expect(printReference(actions)).not.toMatch(/\|\s+\|$/m)
})
