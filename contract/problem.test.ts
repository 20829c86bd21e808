import { expect, test } from '@jest/globals'
import { nearest, printProblem, unknownName } from './problem.ts'

test('a problem is printed with its place, its line and a caret below the text in question', () => {
  const source = 'a:\n  - isolate-pod: {}\n'
  const problem = {
    code: 'unknown_action',
    severity: 'error',
    message: 'unknown action "isolate-pod"; did you mean isolate_pod?',
    file: 'p.yaml',
    line: 2,
    column: 5,
    length: 11,
  } as const
  expect(printProblem(problem, source)).toBe(
    [
      'p.yaml:2:5  unknown action "isolate-pod"; did you mean isolate_pod?',
      '    2 |   - isolate-pod: {}',
      '      |     ^^^^^^^^^^^',
    ].join('\n'),
  )
})

test('a very long line is shown around the column in question', () => {
  const source = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`
  const printed = printProblem(
    { code: 'c', severity: 'error', message: 'm', file: 'f', line: 1, column: 501, length: 4 },
    source,
  )
  const [, line = '', carets = ''] = printed.split('\n')
  expect(line.length).toBeLessThan(175)
  expect(line.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1)).toBe('HERE')
})

test('the nearest known name forgives hyphens and a slip, but not another word', () => {
  const known = ['isolate_pod', 'kill_process', 'freeze']
  expect(nearest('isolate-pod', known)).toBe('isolate_pod')
  expect(nearest('kil_proces', known)).toBe('kill_process')
  expect(nearest('banana', known)).toBeUndefined()
  expect(unknownName('action', 'banana', known)).toBe(
    'unknown action "banana"; known: isolate_pod, kill_process, freeze',
  )
})
