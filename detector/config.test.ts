import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { loadConfig } from './config.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'config-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}
const load = (text: string, overrides: string[] = [], environment: NodeJS.ProcessEnv = {}) =>
  loadConfig({ file: write('falco.yaml', text), overrides, environment })

test('an empty file gives the defaults of Falco', () => {
  const { config, problems } = load('')
  expect(problems).toEqual([])
  expect(config).toMatchObject({
    json_output: false,
    rule_matching: 'first',
    minPriority: 'Debug',
    stdout_output: { enabled: true },
  })
})

test('an unknown key warns with the nearest one and its place, and the rest holds', () => {
  const { config, problems } = load(
    'json_output: true\njson_ouput: true\nfile_output:\n  keep_alife: 1\n',
  )
  expect(config?.json_output).toBe(true)
  expect(problems.map(({ severity, message, line }) => [severity, message, line])).toEqual([
    ['warning', 'unknown key "json_ouput"; did you mean json_output?', 2],
    ['warning', 'unknown key of file_output "keep_alife"; did you mean keep_alive?', 4],
  ])
})

test('every mistake is told at once with its place', () => {
  const { config, problems } = load(
    'rule_matching: some\npriority: loud\nhttp_output: {enabled: true}\n',
  )
  expect(config).toBeUndefined()
  expect(problems.length).toBe(1)
  const second = load('priority: loud\nhttp_output: {enabled: true}\n')
  expect(second.problems.map(({ line }) => line)).toEqual([1, 2])
})

test('a flag beats the environment, the environment beats the file', () => {
  const file = 'riposte: {data: /from/file, responder: {url: "unix:/file"}}\njson_output: false\n'
  const environment = { RIPOSTE_DATA: '/from/env', RIPOSTE_RESPONDER_URL: 'unix:/env' }
  const { config } = load(file, ['riposte.data=/from/flag', 'json_output=true'], environment)
  expect(config?.riposte.data).toBe('/from/flag')
  expect(config?.riposte.responder.url).toBe('unix:/env')
  expect(config?.json_output).toBe(true)
})

test('-o reaches into lists, appends, and takes objects', () => {
  const { config, problems } = load('rules_files: [a, b]\n', [
    'rules_files[1]=c',
    'rules_files[]=d',
    'append_output[]={"extra_output": "x=%evt.num"}',
    'file_output.filename=/tmp/x=y',
  ])
  expect(problems).toEqual([])
  expect(config?.rulesFiles).toEqual(['a', 'c', 'd'])
  expect(config?.append_output).toMatchObject([{ extra_output: 'x=%evt.num' }])
  expect(config?.file_output.filename).toBe('/tmp/x=y')
})

test('variables are expanded in any scalar, and two dollars keep them as text', () => {
  const { config } = load(
    'file_output: {filename: "${DIR}/x${NONE}"}\nprogram_output: {program: "echo $${DIR}"}\n',
    [],
    { DIR: '/var/log' },
  )
  expect(config?.file_output.filename).toBe('/var/log/x')
  expect(config?.program_output.program).toBe('echo ${DIR}')
})

test('included files join lists and replace the rest', () => {
  const more = write('more.yaml', 'rules_files: [b]\njson_output: true\n')
  const { config, files } = load(`config_files: [${more}]\nrules_files: [a]\njson_output: false\n`)
  expect(config).toMatchObject({ rulesFiles: ['a', 'b'], json_output: true })
  expect(files.length).toBe(2)
})

test('the keys of a whole falco.yaml that say nothing here are taken without a word', () => {
  const { problems } = load(
    'engine: {kind: modern_ebpf}\nplugins: []\nlog_level: info\nmetrics: {enabled: true}\n',
  )
  expect(problems).toEqual([])
})
