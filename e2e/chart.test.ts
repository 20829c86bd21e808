/** What the chart renders, before a real API server: every field known, every reference allowed. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from '@jest/globals'
import { chart, render } from '../charts/riposte/tests/render.ts'
import { writeSchemas } from '../charts/riposte/tests/schemas.ts'
import { actions } from '../responder/actions/index.ts'
import { needs } from '../scripts/needs.ts'
import { type ControlPlane, startControlPlane } from './cluster/control-plane.ts'
import { type ClusterTools, clusterTools } from './cluster/tools.ts'
import { share } from './support/shared.ts'

const test = needs('cluster')
const sets = readdirSync(join(chart, 'ci')).map((name) => join(chart, 'ci', name))

let server: ControlPlane
let tools: ClusterTools
let schemas = ''

share(['cluster'], async (stack) => {
  tools = await clusterTools()
  server = stack.use(await startControlPlane())
  for (const name of ['riposte', 'shop', 'payments'])
    await server.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  schemas = writeSchemas(await server.api.get('/openapi/v2'), join(server.folder, 'schemas'))
})

/** Those of operators that this API server does not know. */
const foreign = new Set(['ServiceMonitor', 'PrometheusRule', 'HTTPRoute'])

/** A file with what the API server knows of what is rendered. */
function rendered(values: object | string): string {
  const { objects } = render(tools.path('helm'), values)
  const file = join(server.folder, 'rendered.yaml')
  const known = objects.filter(({ kind }) => !foreign.has(kind))
  writeFileSync(file, known.map((each) => JSON.stringify(each)).join('\n---\n'))
  return file
}

const kubeconform = (file: string) =>
  spawnSync(
    tools.path('kubeconform'),
    ['-strict', `-schema-location=${schemas}`, '-summary', file],
    {
      encoding: 'utf8',
    },
  )

describe.each(sets)('%s', (file) => {
  test('the schemas of the API server know every field of it', () => {
    expect(kubeconform(rendered(file)).stdout).toMatch(/Invalid: 0, Errors: 0, Skipped: 0/)
  })

  test('the API server would take it', async () => {
    const said = await server.kubectl([
      'apply',
      '--dry-run=server',
      '--validate=strict',
      '-f',
      rendered(file),
    ])
    expect(said).toContain('daemonset.apps/riposte-detector created (server dry run)')
  })
})

test('the API server would take the rights of every action', async () => {
  const enabled = actions.map(({ name }) => name)
  for (const namespaces of [[], ['shop']]) {
    const file = rendered({ actions: { enabled }, responder: { namespaces } })
    expect(kubeconform(file).stdout).toMatch(/Invalid: 0, Errors: 0, Skipped: 0/)
    await server.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', file])
  }
})

test('a field that nobody knows is found by both', async () => {
  const file = join(server.folder, 'misspelt.yaml')
  writeFileSync(
    file,
    execFileSync('sed', ['s/terminationGracePeriodSeconds/terminationGraceSeconds/', rendered({})]),
  )
  expect(kubeconform(file).stdout).toMatch(/terminationGraceSeconds/)
  await expect(
    server.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', file]),
  ).rejects.toThrow('terminationGraceSeconds')
})

test('the responder’s namespace may be of the level restricted but for the detector, which needs a privileged one', async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await server.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'riposte', labels } })
  const warned = async (kind: string): Promise<boolean> => {
    const file = join(server.folder, 'one.yaml')
    const { objects } = render(tools.path('helm'), {})
    writeFileSync(file, JSON.stringify(objects.find((each) => each.kind === kind)))
    const { stderr } = spawnSync(
      tools.path('kubectl'),
      [`--kubeconfig=${server.kubeconfig.path}`, 'apply', '--dry-run=server', '-f', file],
      { encoding: 'utf8' },
    )
    return stderr.includes('would violate PodSecurity')
  }
  expect(await warned('Deployment')).toBe(false)
  expect(await warned('StatefulSet')).toBe(false)
  expect(await warned('DaemonSet')).toBe(true)
})
