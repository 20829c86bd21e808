import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { configurationReference } from './configuration-reference.ts'

const page = readFileSync(new URL('../docs/reference/configuration.md', import.meta.url), 'utf8')

test('the page is printed from the schemas: node scripts/print-configuration.ts', () => {
  expect(page).toBe(configurationReference())
})

test('keys of both programs are there, with their values, defaults and meaning', () => {
  expect(page).toContain(
    '| `riposte.identity.hold_ms` | whole number | `250` | so long an alert waits at most for the name of its container |',
  )
  expect(page).toContain('| `rule_matching` | `first`, `all` | `first` |  |')
  expect(page).toContain('| `evidence.s3.bucket` | text | required |')
})
