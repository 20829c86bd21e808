import { expect, test } from '@jest/globals'
import {
  array,
  assert,
  bigInt,
  integer,
  nat,
  option,
  property,
  record,
  uint8Array,
} from 'fast-check'
import { encode } from './encode.ts'
import { Intern } from './intern.ts'
import { memoryOf } from './memory.ts'
import { readRecord } from './read-record.ts'
import { RecordView } from './record-view.ts'
import { events } from './schema.ts'

/** A record somewhere inside a memory, as a ring holds it. */
function placed(bytes: Uint8Array, offset: number) {
  const memory = new Uint8Array(offset + bytes.length + 8)
  memory.set(bytes, offset)
  return memoryOf(memory.buffer)
}

const header = [
  'eventId',
  'flags',
  'pid',
  'tid',
  'parentPid',
  'userId',
  'cpu',
  'timeNs',
  'cgroupId',
  'startTimeNs',
  'strikes',
] as const

test('the fast view reads any record as the plain one does', () => {
  const view = new RecordView(memoryOf(new ArrayBuffer(64)))
  const value = record({
    int: bigInt(-(2n ** 62n), 2n ** 62n),
    bytes: uint8Array({ maxLength: 80 }),
  })
  assert(
    property(
      nat(events.length - 1),
      array(option(value), { maxLength: 40 }),
      integer({ min: 0, max: 9 }),
      (eventId, values, gap) => {
        const row = events[eventId]
        const parameters = Object.fromEntries(
          (row?.parameters ?? []).flatMap(({ name, type }, index) => {
            const given = values[index]
            if (given === undefined || given === null || type === 'socket' || type === 'list')
              return []
            return [[name, type === 'int' ? given.int : given.bytes]]
          }),
        )
        const bytes = encode({
          event: row?.name ?? '',
          pid: 7,
          timeNs: 5n,
          cgroupId: 2n ** 63n,
          parameters,
        })
        const plain = readRecord(bytes)
        view.point(placed(bytes, 8 * gap), 8 * gap)
        for (const name of header) expect(view[name]).toEqual(plain[name])
        for (let index = 0; index <= (row?.parameters.length ?? 0); index++) {
          expect(view.int(index)).toBe(plain.int(index))
          expect(view.bigint(index)).toBe(plain.bigint(index))
          expect(view.text(index)).toBe(plain.text(index))
          expect(view.list(index)).toEqual(plain.list(index))
          expect(view.bytes(index)).toEqual(plain.bytes(index))
          expect(view.isTruncated(index)).toBe(plain.isTruncated(index))
        }
      },
    ),
  )
})

test('the same bytes are one string, other bytes another, also when the table has been emptied', () => {
  const intern = new Intern()
  const bytes = Buffer.alloc(64)
  const memory = memoryOf(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 64))
  const textOf = (name: string) => {
    memory.bytes.fill(0xff)
    const length = memory.buffer.write(name)
    return intern.text(memory, 0, length)
  }
  for (let number = 0; number < 30_000; number++) {
    expect(textOf(`/some/where/file-${number}`)).toBe(`/some/where/file-${number}`)
    expect(textOf(`/some/where/file-${number & 7}`)).toBe(`/some/where/file-${number & 7}`)
  }
  expect(textOf('é\u0000ü')).toBe('é\u0000ü')
  expect(textOf('')).toBe('')
})
