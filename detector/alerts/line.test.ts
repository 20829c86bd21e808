import { expect, test } from '@jest/globals'
import type { Priority } from '../../contract/alert.ts'
import type { ShownValue } from '../engine/print.ts'
import { internalAlert, lostRecords } from './internal.ts'
import { type JudgedAlert, contractFields } from './judged.ts'
import { type LineFormat, printLine } from './line.ts'
import { localTime } from './time.ts'

const timeNs = 1_795_255_987_001_002_003n
const text: LineFormat = {
  isJson: false,
  hasOutput: true,
  hasMessage: false,
  hasOutputFields: true,
  hasTags: true,
  isIsoTime: true,
  hostname: 'node-a',
}
const asJson = { ...text, isJson: true }

function judged(output: string, fields: Record<string, ShownValue> = {}): JudgedAlert {
  return {
    timeNs,
    fields: new Map(Object.entries(fields)),
    isInternal: false,
    alert: {
      id: '0'.repeat(32),
      node: 'node-a',
      bootId: 'boot',
      rule: 'A rule',
      priority: 'Warning' satisfies Priority,
      source: 'syscall',
      tags: ['host', 'T1555', 'host'],
      time: '',
      output,
      outputFields: contractFields(new Map(Object.entries(fields))),
      actions: [],
      process: null,
      place: null,
      request: null,
      object: null,
      strikes: [],
    },
  }
}

test('a text line is escaped like JSON without the quotes', () => {
  expect(printLine(judged('say "x"\n\u0001\\ä\udcff'), text)).toBe(
    '2026-11-21T10:13:07.001002003+0000: Warning say \\"x\\"\\n\\u0001\\\\ä\uFFFD',
  )
})

test('the time of a text line is local and has nanoseconds', () => {
  const line = printLine(judged('x'), { ...text, isIsoTime: false })
  expect(line).toBe(`${localTime(timeNs)}: Warning x`)
  expect(line).toMatch(/^\d\d:\d\d:07\.001002003: /)
})

test('a JSON line has its keys sorted at every level and its times exact', () => {
  const line = printLine(
    judged('x', { 'proc.name': 'cat', 'evt.num': 1, a: null, B: ['x', 2] }),
    asJson,
  )
  expect(line).toBe(
    '{"hostname":"node-a","output":"2026-11-21T10:13:07.001002003+0000: Warning x",' +
      '"output_fields":{"B":["x",2],"a":null,"evt.num":1,' +
      '"evt.time.iso8601":1795255987001002003,"proc.name":"cat"},' +
      '"priority":"Warning","rule":"A rule","source":"syscall","tags":["T1555","host"],' +
      '"time":"2026-11-21T10:13:07.001002003Z"}',
  )
})

test('the json_include switches leave out what they name', () => {
  const bare = { hasOutput: false, hasMessage: true, hasOutputFields: false, hasTags: false }
  expect(printLine(judged('x'), { ...asJson, ...bare })).toBe(
    '{"hostname":"node-a","message":"x","priority":"Warning","rule":"A rule",' +
      '"source":"syscall","time":"2026-11-21T10:13:07.001002003Z"}',
  )
})

test('lost records are told in the words and the shape of Falco', () => {
  const notice = lostRecords(new Map([['file', 7]]), 93, timeNs)
  const alert = internalAlert(notice, { node: 'node-a', bootId: 'boot' })
  expect(printLine(alert, asJson)).toBe(
    '{"hostname":"node-a",' +
      '"output":"Falco internal: syscall event drop. 7 system calls dropped in last second.",' +
      '"output_fields":{"ebpf_enabled":"1","n_drops":"7","n_drops_buffer_file":"7",' +
      '"n_drops_buffer_total":"7","n_evts":"100"},"priority":"Debug",' +
      '"rule":"Falco internal: syscall event drop","source":"internal",' +
      '"time":"2026-11-21T10:13:07.001002003Z"}',
  )
  expect(printLine(alert, text)).toBe(
    `${localTime(timeNs)}: Debug Falco internal: syscall event drop. ` +
      '7 system calls dropped in last second. (ebpf_enabled="1" n_drops="7" ' +
      'n_drops_buffer_file="7" n_drops_buffer_total="7" n_evts="100")',
  )
})
