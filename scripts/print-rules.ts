/** Writes docs/reference/rules.md; a test fails when it was forgotten. */
import { writeFileSync } from 'node:fs'
import { rulesReference } from '../rules/reference.ts'

writeFileSync(new URL('../docs/reference/rules.md', import.meta.url), rulesReference())
