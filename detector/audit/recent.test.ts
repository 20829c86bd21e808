import { expect, test } from '@jest/globals'
import { RecentIds } from './recent.ts'

test('the newest so many are remembered, and no more', () => {
  const recent = new RecentIds(2)
  for (const id of ['a', 'b', 'c']) expect(recent.add(id)).toBe(true)
  expect([recent.add('b'), recent.add('c')]).toEqual([false, false])
  expect(recent.add('a')).toBe(true)
})
