import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { printProblem } from '../contract/problem.ts'
import { actions } from '../responder/actions/index.ts'
import { policyJsonSchema } from '../responder/policy/json-schema.ts'
import { loadPolicies } from '../responder/policy/load.ts'

const here = dirname(fileURLToPath(import.meta.url))

function filesIn(directory: string, ending: string) {
  return readdirSync(directory)
    .filter((name) => name.endsWith(ending))
    .map((name) => ({ name, text: readFileSync(join(directory, name), 'utf8') }))
}

const load = (directory: string) => {
  const files = filesIn(directory, '.yaml')
  const { set, problems } = loadPolicies(files, actions)
  const print = problems.map((problem) =>
    printProblem(problem, files.find(({ name }) => name === problem.file)?.text),
  )
  expect(print).toEqual([])
  return set?.policies ?? []
}

test('our policies load, and all of them are in audit', () => {
  const policies = load(here)
  expect(policies.length).toBeGreaterThan(5)
  expect(policies.filter(({ mode }) => mode !== 'audit')).toEqual([])
})

test('the examples load', () => {
  expect(load(join(here, 'examples')).length).toBeGreaterThan(1)
})

test('each rule that our policies name is one of ours', () => {
  const rules = filesIn(join(here, '..', 'rules'), '.yaml').flatMap(({ text }) =>
    [...text.matchAll(/^- rule: (.+)$/gm)].map(([, name]) => name),
  )
  const named = load(here).flatMap(({ selection }) => selection.names)
  expect(named.filter((name) => !rules.includes(name))).toEqual([])
})

test('the schema that editors complete by is the one that is loaded by', () => {
  const written: unknown = JSON.parse(readFileSync(join(here, 'policy.schema.json'), 'utf8'))
  expect(written).toEqual(JSON.parse(JSON.stringify(policyJsonSchema(actions))))
})
