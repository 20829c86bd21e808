import { afterEach, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import type { Verdict } from '../../contract/verdict.ts'
import { sampleAlert } from '../policy/alert.sample.ts'
import { SampleNode, startSample, until, type Sample } from '../start.sample.ts'

const policyWith = (deadline: string) => ({
  'p.yaml': `apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: shadow }
spec:
  mode: enforce
  match: { rules: { names: [Read sensitive file untrusted] } }
  ladder:
    - { name: preserve, do: [capture_snapshot], required: true, deadline: ${deadline} }
    - { name: stop, do: [kill_process] }
`,
})

const alert = sampleAlert()
let sample: Sample
let node: SampleNode
afterEach(async () => {
  await node[Symbol.asyncDispose]()
  await sample[Symbol.asyncDispose]()
})

async function start(deadline = '30s', flags = {}) {
  sample = await startSample(policyWith(deadline), flags)
  node = new SampleNode(sample)
}

const carryOut = ({ operation }: Verdict) =>
  ({ status: operation === 'plan' ? 'planned' : 'done', detail: 'said so' }) as const

const isRun = ({ operation, action }: Verdict) =>
  operation === 'run' && action === 'capture_snapshot'

const kill = () => node.verdicts.find(({ action }) => action === 'kill_process')

test('a kill waits until the evidence of the rung before it is kept', async () => {
  await start()
  const arrived = Promise.withResolvers<string>()
  const go = Promise.withResolvers<void>()
  node.start(async (verdict) => {
    if (!isRun(verdict)) return carryOut(verdict)
    arrived.resolve(verdict.id)
    await go.promise
    expect((await node.handOver(verdict.id, 'process-tree.json', '[]')).status).toBe(204)
    expect((await node.handOver(verdict.id, '../maps.txt', 'maps')).status).toBe(204)
    return carryOut(verdict)
  })
  await node.alerts(alert)
  const stepId = await arrived.promise
  expect(kill()).toBeUndefined()
  go.resolve()
  await until(kill)

  const { body: kept } = await sample.call('GET', `/v1/evidence/${stepId}`)
  expect(kept.files.map(({ name }: { name: string }) => name)).toEqual([
    'process-tree.json',
    '___maps.txt',
  ])
  const { body: step } = await sample.call('GET', `/v1/steps/${stepId}`)
  expect(step.outcome).toMatchObject({
    status: 'done',
    detail: expect.stringContaining(kept.where),
    effect: { evidence: { manifestSha256: kept.manifestSha256 } },
  })
  const { body: audit } = await sample.call('GET', `/v1/audit?subject=${stepId}&limit=100`)
  const order = audit.records.map(({ kind }: { kind: string }) => kind).toReversed()
  expect(order.indexOf('evidence_stored')).toBeGreaterThan(order.indexOf('intent'))
  expect(order.lastIndexOf('evidence_stored')).toBeLessThan(order.indexOf('outcome'))
  const manifest = JSON.parse(readFileSync(kept.where, 'utf8'))
  expect(manifest).toMatchObject({ step: stepId, alert: alert.id, node: 'node-a' })
})

test('when the node keeps silent the kill goes on after the deadline of the rung, recorded', async () => {
  await start('1s')
  const silent = Promise.withResolvers<ReturnType<typeof carryOut>>()
  node.start((verdict) => (isRun(verdict) ? silent.promise : carryOut(verdict)))
  await node.alerts(alert)
  const other = new SampleNode(sample)
  try {
    const { id } = await until(() => node.verdicts.find(isRun))
    other.start((verdict) => (isRun(verdict) ? silent.promise : carryOut(verdict)))
    await until(() => other.verdicts.find(({ action }) => action === 'kill_process'))
    const { body: step } = await sample.call('GET', `/v1/steps/${id}`)
    expect(step.outcome).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('time'),
    })
    expect((await sample.call('GET', `/v1/evidence/${id}`)).status).toBe(404)
  } finally {
    silent.resolve({ status: 'done', detail: 'said so' })
    await other[Symbol.asyncDispose]()
  }
})

test('evidence is taken only of a step that acts, and from the node that it was sent to', async () => {
  await start()
  const other = new SampleNode(sample, 'node-b')
  const answers: number[] = []
  try {
    node.start(async (verdict) => {
      if (!isRun(verdict)) return carryOut(verdict)
      for (const [from, id] of [
        [node, 'another'],
        [other, verdict.id],
      ] as const)
        answers.push((await from.handOver(id, 'a', 'x')).status)
      answers.push((await node.handOver(verdict.id, 'a', 'x', '0'.repeat(64))).status)
      answers.push((await node.handOver(verdict.id, 'a', 'x', 'none')).status)
      return carryOut(verdict)
    })
    await node.alerts(alert)
    const { id } = await until(() => node.verdicts.find(isRun))
    await until(kill)
    expect(answers).toEqual([403, 403, 503, 400])
    expect((await node.handOver(id, 'late', 'x')).status).toBe(403)
    expect((await sample.call('GET', `/v1/evidence/${id}`)).status).toBe(404)
  } finally {
    await other[Symbol.asyncDispose]()
  }
})

test('where there is no store the node is told so, and more than a step may keep is refused', async () => {
  await start('30s', { evidence: { store: 'none' } })
  const answers: string[] = []
  const once = async (verdict: Verdict) => {
    if (!isRun(verdict)) return carryOut(verdict)
    const { status, text } = await node.handOver(verdict.id, 'a', Buffer.alloc(100_000))
    answers.push(`${status} ${JSON.parse(text || '{}').error?.code}`)
    return carryOut(verdict)
  }
  node.start(once)
  await node.alerts(alert)
  await until(kill)
  expect(answers).toEqual(['409 no_store'])
  await node[Symbol.asyncDispose]()
  await sample[Symbol.asyncDispose]()

  await start('30s', { evidence: { maxBytesPerStep: 65_536 } })
  node.start(once)
  await node.alerts(alert)
  await until(kill)
  expect(answers).toEqual(['409 no_store', '413 evidence_too_big'])
})

test('a file is sent to be saved, under a login, and never as a page', async () => {
  await start()
  node.start(async (verdict) => {
    if (isRun(verdict)) await node.handOver(verdict.id, 'x.html', '<script>')
    return carryOut(verdict)
  })
  await node.alerts(alert)
  await until(kill)
  const { id } = node.verdicts.find(isRun) ?? { id: '' }
  const url = new URL(`/v1/evidence/${id}/x.html`, sample.responder.url)
  expect((await fetch(url)).status).toBe(401)
  const response = await fetch(url, { headers: { authorization: `Bearer ${sample.apiToken}` } })
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment; filename="x.html"',
    'x-content-type-options': 'nosniff',
  })
  expect(await response.text()).toBe('<script>')
  for (const file of ['..%2Fmanifest.json', '%2e%2e', '.part', 'other'])
    expect((await sample.call('GET', `/v1/evidence/${id}/${file}`)).status).toBe(404)
})
