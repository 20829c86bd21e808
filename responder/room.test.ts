import { expect, test } from '@jest/globals'
import { concurrency } from './queue.ts'
import { Room } from './room.ts'

function begun() {
  const ids: string[] = []
  const ends: (() => void)[] = []
  const room = new Room((id) => {
    ids.push(id)
    return new Promise((resolve) => ends.push(resolve))
  })
  return { ids, ends, room }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))
const { here } = concurrency.contain
const names = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`)

test('no more than a lane holds are begun at once, and who waits is begun in order as others end', async () => {
  const { ids, ends, room } = begun()
  for (const id of names(here + 2)) expect(room.offer(id, 'contain')).toBe(true)
  expect(ids).toEqual(names(here))
  ends[3]?.()
  await turn()
  expect(ids).toEqual(names(here + 1))
})

test('a lane that is full keeps no other waiting', () => {
  const { ids, room } = begun()
  for (const id of names(here + 5)) room.offer(id, 'contain')
  room.offer('kill', 'strike')
  expect(ids).toContain('kill')
})

test('a step that still waits when it is offered again, and one too many, go by the queue', () => {
  const { room } = begun()
  const many = names(here + 300).map((id) => room.offer(id, 'contain'))
  expect(many.filter(Boolean)).toHaveLength(here + 200)
  expect(room.offer(`s${here}`, 'contain')).toBe(false)
})

test('what waits when it closes is not begun', async () => {
  const { ids, ends, room } = begun()
  for (const id of names(here + 1)) room.offer(id, 'contain')
  room.close()
  ends[0]?.()
  await turn()
  expect(ids).toHaveLength(here)
})
