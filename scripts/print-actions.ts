/** Writes docs/reference/actions.md; a test fails when it was forgotten. */
import { writeFileSync } from 'node:fs'
import { actions } from '../responder/actions/index.ts'
import { printReference } from '../responder/actions/reference.ts'

writeFileSync(new URL('../docs/reference/actions.md', import.meta.url), printReference(actions))
