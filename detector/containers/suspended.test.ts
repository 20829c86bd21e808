import { expect, test } from '@jest/globals'
import type { Container } from '../state/container.ts'
import { Suspended, type SuspendedLimits } from './suspended.ts'

function suspending(limits: Partial<SuspendedLimits> = {}) {
  const clock = { nowMs: 0 }
  const suspended = new Suspended({ nowMs: () => clock.nowMs, limits })
  const judged: string[] = []
  const keep = (container: Container, name: string, bytes = 100) => {
    const again = () => {
      judged.push(name)
      return name === 'wrong' ? ['an alert'] : []
    }
    suspended.add(container, () => ({ bytes, again }))
  }
  return { suspended, clock, judged, keep }
}

const newContainer = (): Container => Object.assign(Object.create(null))

test('what waits for a container is judged in order once it is known, and then no more', () => {
  const { suspended, judged, keep } = suspending()
  const [one, other] = [newContainer(), newContainer()]
  keep(one, 'a')
  keep(other, 'b')
  keep(one, 'wrong')
  expect(suspended.settle(one)).toEqual(['an alert'])
  expect(judged).toEqual(['a', 'wrong'])
  expect(suspended.settle(one)).toEqual([])
  expect(suspended.counts).toEqual({ suspended: 3, judgedAgain: 2, dropped: 0 })
})

test.each([
  ['in number', { most: 3 }, 3],
  ['of one container', { mostOfOne: 2 }, 2],
  ['in bytes', { bytes: 300 }, 3],
])('what is too much %s is dropped and counted, and there is room again', (_, limits, room) => {
  const { suspended, judged, keep } = suspending(limits)
  const [one, other] = [newContainer(), newContainer()]
  for (const name of ['a', 'b', 'c', 'd']) keep(one, name)
  expect(suspended.counts.dropped).toBe(4 - room)
  suspended.settle(one)
  expect(judged).toEqual(['a', 'b', 'c'].slice(0, room))
  keep(other, 'e')
  suspended.settle(other)
  expect(judged.at(-1)).toBe('e')
})

test('what nobody tells of in time is dropped and counted', () => {
  const { suspended, clock, judged, keep } = suspending({ waitMs: 1000, most: 2 })
  const one = newContainer()
  keep(one, 'a')
  clock.nowMs = 600
  keep(one, 'b')
  clock.nowMs = 1001
  suspended.expire()
  expect(suspended.counts.dropped).toBe(1)
  keep(one, 'c')
  expect(suspended.counts.dropped).toBe(1)
  suspended.settle(one)
  expect(judged).toEqual(['b', 'c'])
})
