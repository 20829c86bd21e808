import { expect, test } from '@jest/globals'
import { whyNotSelected } from './select.ts'

const anything = { names: [], tags: [], minPriority: null, source: null }
const rule = {
  name: 'Reverse shell',
  tags: ['host', 'T1059'],
  priority: 'Critical',
  source: 'syscall',
} as const

test('a policy that asks nothing selects every rule', () => {
  expect(whyNotSelected(anything, rule)).toBeNull()
})

test('each criterion that is given must hold, any entry of a list is enough', () => {
  const selection = { ...anything, names: ['Other', 'Reverse shell'], tags: ['T1059', 'none'] }
  expect(
    whyNotSelected({ ...selection, minPriority: 'Critical', source: 'syscall' }, rule),
  ).toBeNull()
  expect(whyNotSelected({ ...selection, names: ['reverse shell'] }, rule)).toMatch('not named')
  expect(whyNotSelected({ ...selection, tags: ['T1'] }, rule)).toMatch('none of the tags T1')
})

test('a priority is compared by urgency', () => {
  expect(whyNotSelected({ ...anything, minPriority: 'Warning' }, rule)).toBeNull()
  expect(whyNotSelected({ ...anything, minPriority: 'Alert' }, rule)).toMatch('below Alert')
})
