/** Every file of the chart that is printed or copied, by its path: written by print-chart.ts, compared by a test. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { actions } from '../../responder/actions/index.ts'
import { ownRights } from '../../responder/kubernetes/own-rights.ts'
import { printActions, printOwnRights } from './actions.ts'
import { printDashboard } from './dashboard.ts'
import { printReadme } from './readme.ts'
import { printSchema } from './schema.ts'
import { readValues } from './values.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
export const chart = join(repository, 'charts/riposte')

export function chartFiles(): Map<string, string> {
  const values = readValues(readFileSync(join(chart, 'values.yaml'), 'utf8'))
  return new Map([
    ['values.schema.json', printSchema(values)],
    ['README.md', printReadme(values, actions)],
    ['files/dashboards/riposte.json', printDashboard()],
    ['files/actions.json', printActions(actions)],
    ['files/own-rights.json', printOwnRights(ownRights)],
    ...policies(),
  ])
}

/** As they are; the chart sets the mode when it renders them. */
function policies(): [path: string, text: string][] {
  const directory = join(repository, 'policies')
  return readdirSync(directory)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [`files/policies/${name}`, readFileSync(join(directory, name), 'utf8')])
}
