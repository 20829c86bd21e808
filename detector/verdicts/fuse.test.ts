import { expect, test } from '@jest/globals'
import { Fuse } from './fuse.ts'

test('a fuse lets so many acts through in its window, blows at the next and stays blown until it is reset', () => {
  const fuse = new Fuse({ max: 2, perMs: 1000 })
  expect([0, 999, 1000, 1998].map((now) => fuse.take(now))).toEqual([true, true, true, false])
  expect(fuse.isBlown).toBe(true)
  expect(fuse.take(1_000_000)).toBe(false)
  fuse.reset()
  expect(fuse.take(1_000_001)).toBe(true)
})
