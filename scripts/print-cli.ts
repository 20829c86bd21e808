/** Writes docs/reference/cli.md; a test fails when it was forgotten. */
import { writeFileSync } from 'node:fs'
import { cliReference } from '../cli/reference.ts'

writeFileSync(new URL('../docs/reference/cli.md', import.meta.url), await cliReference())
