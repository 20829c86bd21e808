import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { z } from 'zod'
import { chart, chartFiles } from '../../../scripts/chart/files.ts'
import { leavesOf, readValues, type Value } from '../../../scripts/chart/values.ts'

const read = (path: string): string => readFileSync(join(chart, path), 'utf8')
const values = readValues(read('values.yaml'))
const templates = readdirSync(join(chart, 'templates'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(?:yaml|tpl|txt)$/.test(path))
  .map((path) => read(join('templates', path)))
  .join('\n')

test('every printed file says what its sources say (else: node scripts/print-chart.ts)', () => {
  for (const [path, text] of chartFiles()) expect([path, read(path)]).toEqual([path, text])
  const policies = readdirSync(join(chart, 'files/policies')).map(
    (name) => `files/policies/${name}`,
  )
  expect(policies.filter((path) => !chartFiles().has(path))).toEqual([])
})

test('every value has a sentence', () => {
  expect(
    leavesOf(values)
      .filter(({ about }) => !/[.?]$/.test(about))
      .map(pathOf),
  ).toEqual([])
})

test('every value is used by a template', () => {
  const unused = leavesOf(values).filter(({ path }) => !templates.includes(`.${path.at(-1)}`))
  expect(unused.map(pathOf)).toEqual([])
})

test('templates ask for no value that is not there', () => {
  const known = new Set(all(values).map(pathOf))
  const asked = [...templates.matchAll(/\$?\.Values\.([\w.]+)/g)].map(([, path = '']) => path)
  expect(asked.filter((path) => !known.has(path))).toEqual([])
})

const pathOf = ({ path }: Value): string => path.join('.')
const all = (some: readonly Value[]): Value[] =>
  some.flatMap((value) => [value, ...all(value.children ?? [])])

const rulesSchema = z.looseObject({
  groups: z.array(z.looseObject({ rules: z.array(z.looseObject({ expr: z.string() })) })),
})

test('dashboard and rules ask only for metrics that there are', () => {
  const { groups } = rulesSchema.parse(parse(read('files/prometheus-rules.yaml')))
  const asked = [
    ...groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    read('files/dashboards/riposte.json'),
  ].flatMap((text) => text.match(/\briposte_\w+/g) ?? [])
  const sources = ['metrics.ts', 'node-metrics.ts'].map((name) =>
    read(join('../../responder', name)),
  )
  // prom-client's own, under our prefix.
  const known = (name: string): boolean =>
    name.startsWith('riposte_process_') || sources.some((text) => text.includes(`'${name}'`))
  expect(asked.length).toBeGreaterThan(15)
  expect(asked.filter((name) => !known(name))).toEqual([])
})
