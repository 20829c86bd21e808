import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { fieldsReference } from './reference.ts'

test('docs/reference/fields.md is what the rows print', () => {
  const committed = readFileSync(new URL('../../docs/reference/fields.md', import.meta.url), 'utf8')
  expect(committed).toBe(fieldsReference())
})
