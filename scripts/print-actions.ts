/** Writes docs/reference/actions.md and what the chart holds of actions; tests fail when it was forgotten. */
import { writeFileSync } from 'node:fs'
import { actions } from '../responder/actions/index.ts'
import { printReference } from '../responder/actions/reference.ts'

writeFileSync(new URL('../docs/reference/actions.md', import.meta.url), printReference(actions))
await import('./print-chart.ts')
