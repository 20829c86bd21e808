import { expect, test } from '@jest/globals'
import { assert, property, string } from 'fast-check'
import { encode } from './encode.ts'
import { readRecord } from './read-record.ts'
import { events, recordFlags } from './schema.ts'

const openat = events.findIndex((row) => row.name === 'openat')
const index = (name: string) =>
  events[openat]?.parameters.findIndex((parameter) => parameter.name === name) ?? -1

test('what is encoded is read back by the names of the schema', () => {
  const record = encode({
    event: 'openat',
    pid: 812,
    parentPid: 1,
    userId: 1000,
    startTimeNs: 77_000_000_123n,
    timeNs: 99n,
    cgroupId: 2n ** 60n,
    strikes: 2n ** 63n,
    parameters: { fd: -13, name: '../etc/shadow', flags: 1, path: '/etc/shadow' },
  })
  const view = readRecord(record)
  expect(view.eventId).toBe(openat)
  expect([view.pid, view.tid, view.parentPid, view.userId]).toEqual([812, 812, 1, 1000])
  expect([view.startTimeNs, view.timeNs, view.cgroupId]).toEqual([77_000_000_123n, 99n, 2n ** 60n])
  expect(view.strikes).toBe(2n ** 63n)
  expect(view.int(index('fd'))).toBe(-13)
  expect(view.text(index('name'))).toBe('../etc/shadow')
  expect(view.text(index('path'))).toBe('/etc/shadow')
  expect(view.text(index('dirpath'))).toBeUndefined()
  expect(view.int(index('dirfd'))).toBeUndefined()
  expect(record.length % 8).toBe(0)
})

test('a cut value is marked in its slot and in the header', () => {
  const view = readRecord(encode({ event: 'openat', pid: 1, parameters: { name: { cut: 'abc' } } }))
  expect(view.text(index('name'))).toBe('abc')
  expect(view.isTruncated(index('name'))).toBe(true)
  expect(view.isTruncated(index('path'))).toBe(false)
  expect(view.flags & recordFlags.truncated).toBe(recordFlags.truncated)
})

test('a name that the schema does not have, or a value of the wrong kind, is refused', () => {
  expect(() => encode({ event: 'opennat', pid: 1 })).toThrow('no event is named opennat')
  expect(() => encode({ event: 'openat', pid: 1, parameters: { nam: 'x' } })).toThrow(
    'openat has no parameter nam',
  )
  expect(() => encode({ event: 'openat', pid: 1, parameters: { fd: 'x' } })).toThrow('fd is int')
})

test('hostile bytes in a name keep what each of them was', () => {
  const hostile = Uint8Array.of(0x2f, 0xff, 0x0a, 0x1b, 0xc3, 0xa9, 0xed, 0xa0, 0x80, 0xf0, 0x9f)
  const view = readRecord(encode({ event: 'openat', pid: 1, parameters: { name: hostile } }))
  expect(view.text(index('name'))).toBe('/\udcff\n\u001b\u00e9\udced\udca0\udc80\udcf0\udc9f')
})

test('any text comes back as it went in', () => {
  assert(
    property(string({ unit: 'grapheme' }), (name) => {
      const view = readRecord(encode({ event: 'openat', pid: 1, parameters: { name } }))
      expect(view.text(index('name'))).toBe(name)
    }),
  )
})
