/** Writes what the chart holds of values, actions and policies; a test fails when it was forgotten. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { chart, chartFiles } from './chart/files.ts'

const files = chartFiles()
for (const [path, text] of files) {
  mkdirSync(dirname(join(chart, path)), { recursive: true })
  writeFileSync(join(chart, path), text)
}
for (const name of readdirSync(join(chart, 'files/policies')))
  if (!files.has(`files/policies/${name}`)) rmSync(join(chart, 'files/policies', name))
