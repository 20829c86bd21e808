import { expect, test } from '@jest/globals'
import { Rate } from './rate.ts'

const signal = new AbortController().signal

test('a burst goes at once, what comes then waits for its turn', async () => {
  let nowMs = 0
  const rate = new Rate(1000, 3, () => nowMs)
  const order: string[] = []
  const turn = (name: string) => rate.turn(signal).then(() => order.push(name))
  await Promise.all([turn('a'), turn('b'), turn('c'), turn('d'), turn('e')])
  expect(order).toEqual(['a', 'b', 'c', 'd', 'e'])

  // Nothing was gained by waiting: the clock of the bucket stood still.
  const late = new AbortController()
  const waits = new Rate(0.001, 1, () => nowMs)
  await waits.turn(late.signal)
  const waiting = waits.turn(late.signal)
  late.abort(new Error('given up'))
  await expect(waiting).rejects.toThrow('given up')
  nowMs = 3_000_000
  await waits.turn(signal)
})

test('silence that the server asked for holds for everybody', async () => {
  const rate = new Rate(1000, 100, () => 0)
  rate.quiet(3_600_000)
  const soon = new AbortController()
  const waiting = rate.turn(soon.signal)
  soon.abort(new Error('given up'))
  await expect(waiting).rejects.toThrow('given up')
})
