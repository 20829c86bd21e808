import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { schemaHeader } from './header.ts'
import { events } from './schema.ts'

test('bpf/schema.h is what the event table prints', () => {
  const committed = readFileSync(new URL('../../bpf/schema.h', import.meta.url), 'utf8')
  expect(committed).toBe(schemaHeader())
})

test('no event has more parameters than a record has slots', () => {
  for (const event of events) expect(event.parameters.length).toBeLessThanOrEqual(64)
})
