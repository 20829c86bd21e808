import { expect, test } from '@jest/globals'
import { parseCondition } from '../../contract/condition/parser.ts'
import { countCodes, eventTypes, everyName } from './event-types.ts'

function namesOf(text: string): string {
  const parsed = parseCondition(text)
  if ('problem' in parsed) return parsed.problem.message
  const { names, problems } = eventTypes(parsed.node)
  if (problems.length > 0) return problems.map(({ message }) => message).join()
  const sorted = [...names.names].toSorted().join(' ')
  return names.isAllBut ? `all but ${sorted}`.trim() : sorted
}

test.each([
  ['evt.type = open', 'open'],
  ['evt.type in (open, openat)', 'open openat'],
  ['evt.type != open', 'all but open'],
  ['not evt.type = open', 'all but open'],
  ['not evt.type != open', 'open'],
  ['not (evt.type = open or evt.type = dup)', 'all but dup open'],
  ['not (not evt.type = open and not evt.type = dup)', 'dup open'],
  ['evt.type in (open, dup) and evt.type != dup', 'open'],
  ['evt.type = open and evt.type = dup', ''],
  ['evt.type = open or proc.name = a', 'all but'],
  ['evt.type = open and not proc.name = a', 'open'],
  ['proc.name = a', 'all but'],
  ['evt.num = 0 or evt.type = open', 'open'],
  ['evt.num >= 1 and evt.type = open', 'open'],
  ['not evt.num > 0 or evt.type = dup', 'dup'],
  ['evt.num in (0) or evt.type = dup', 'dup'],
  ['evt.num = 1 or evt.type = dup', 'all but'],
  ['not evt.type exists or evt.type = dup', 'dup'],
  ['syscall.type = gettid and evt.type != open', 'gettid'],
  ['evt.type startswith op', 'all but'],
  ['evt.type = opne', 'unknown event type opne'],
  ['evt.type = val(proc.name)', 'right-hand field comparisons on `evt.type`/`syscall.type` checks are not supported by event code search'],
])('%s can hold for: %s', (text, expected) => {
  expect(namesOf(text)).toBe(expected)
}) // prettier-ignore

const count = (...names: readonly string[]) =>
  countCodes({ isAllBut: false, names: new Set(names) })

test('codes are counted as Falco does: every version, enter and exit', () => {
  expect(count('execve', 'execveat')).toBe(18)
  expect(count('gettid', 'getpid')).toBe(2)
  expect(countCodes(everyName)).toBeGreaterThan(400)
})
