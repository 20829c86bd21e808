import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { cliReference } from './reference.ts'

const page = new URL('../docs/reference/cli.md', import.meta.url)

test('the page is printed from the commands: node scripts/print-cli.ts', async () => {
  const printed = await cliReference()
  expect(readFileSync(page, 'utf8')).toBe(printed)
  expect(printed).toContain('## riposte approvals approve ID')
  expect(printed).toContain('| `--reason <text>` |')
})
