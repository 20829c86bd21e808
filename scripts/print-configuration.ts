/** Writes docs/reference/configuration.md; a test fails when it was forgotten. */
import { writeFileSync } from 'node:fs'
import { configurationReference } from './configuration-reference.ts'

writeFileSync(
  new URL('../docs/reference/configuration.md', import.meta.url),
  configurationReference(),
)
