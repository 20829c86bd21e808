import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseAudit } from './parse.ts'
import { auditEvent, judging } from './testing.ts'

const rules = fileURLToPath(new URL('../../rules/70-k8s-audit.yaml', import.meta.url))

const parse = (value: unknown, maxEventBytes = 10_000) =>
  parseAudit(JSON.stringify(value), maxEventBytes)

test('an Event, a list, an array and what they are nested in give the events in order', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((auditID) => auditEvent({ auditID }))
  const list = { kind: 'EventList', items: [{ ...b, kind: undefined }, c] }
  expect(parse([a, list]).records.map(({ auditId }) => auditId)).toEqual(['a', 'b', 'c'])
})

test.each([
  ['2026-11-21T10:13:07Z', 1_795_255_987_000_000_000n],
  ['2026-11-21T10:13:07.001002Z', 1_795_255_987_001_002_000n],
  ['2026-11-21T11:13:07.123456789+01:00', 1_795_255_987_123_456_789n],
])('the time %s is read to the nanosecond', (stageTimestamp, timeNs) => {
  expect(parse(auditEvent({ stageTimestamp })).records).toMatchObject([{ timeNs }])
})

test('what is no audit event is refused with its reason, and the others are taken', () => {
  const { records, refused } = parse([
    auditEvent({}),
    { kind: 'Pod' },
    null,
    auditEvent({ stageTimestamp: 'noon' }),
    auditEvent({ auditID: 7 }),
    auditEvent({ requestObject: 'x'.repeat(10_000) }),
  ])
  expect(records).toHaveLength(1)
  expect(refused).toEqual([
    'data not recognized as a k8s audit event',
    'data not recognized as a k8s audit event',
    'an event without a readable stageTimestamp',
    'data not recognized as a k8s audit event',
    'an event has more than maxEventSize (10000) bytes',
  ])
})

test('whatever stands where Kubernetes would write something else, judging does not fail', async () => {
  using judged = judging([rules])
  const json = fc.jsonValue({ maxDepth: 4 })
  const names = ['user', 'objectRef', 'requestObject', 'responseObject', 'responseStatus', 'annotations', 'verb'] // prettier-ignore
  const shapes = fc.record(Object.fromEntries(names.map((name) => [name, json])))
  await fc.assert(
    fc.asyncProperty(shapes, fc.string(), async (shape, text) => {
      expect(await judged.pipeline.take(parse(auditEvent(shape), 1_000_000))).toBe(true)
      await judged.pipeline.take(parseAudit(text, 10_000))
    }),
    { numRuns: 300 },
  )
})
