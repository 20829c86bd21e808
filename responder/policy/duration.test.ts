import { expect, test } from '@jest/globals'
import { assert, integer, property } from 'fast-check'
import { parseDuration, printDuration } from './duration.ts'

test.each([
  ['500ms', 500],
  ['15m', 900_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '15', '15 m', 'm', '-5m', '1hour', '0s', '9999999999999999w'])(
  '"%s" is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined()
  },
)

test('what is printed is read again, short by less than its second unit', () => {
  assert(
    property(integer({ min: 1, max: 1e12 }), (ms) => {
      const again = parseDuration(printDuration(ms)) ?? 0
      expect(again).toBeLessThanOrEqual(ms)
      expect((ms - again) / ms).toBeLessThan(0.05)
    }),
  )
})
