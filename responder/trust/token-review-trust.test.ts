import { beforeEach, expect } from '@jest/globals'
import fastify, { type FastifyInstance } from 'fastify'
import { startControlPlane, type ControlPlane } from '../../e2e/cluster/control-plane.ts'
import type { Alert, Amendment } from '../../contract/alert.ts'
import type { Pod } from '../../contract/kubernetes.ts'
import { nodeHeader, nodeRoutes } from '../../contract/verdict.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { share } from '../../e2e/support/shared.ts'
import { needs } from '../../scripts/needs.ts'
import { NodeHub } from '../http/node-hub.ts'
import { nodeRoutesOn } from '../http/node-routes.ts'
import { sampleAlert } from '../policy/alert.sample.ts'
import { targetFor } from '../policy/target.ts'
import {
  kubernetesAs,
  makePod,
  namespace,
  prepare,
  tokenOf,
} from '../../e2e/support/projected-tokens.ts'
import { tokenReviewTrust, type TokenReviewTrust } from './token-review-trust.ts'

const test = needs('cluster')
const audience = 'riposte'

let cluster: ControlPlane
let view: Awaited<ReturnType<typeof kubernetesAs>>
let detector: { name: string; uid: string }
let token: string
let auditToken: string

share(['cluster'], async (stack) => {
  cluster = stack.use(await startControlPlane())
  await prepare(cluster)
  const { api } = cluster
  view = await kubernetesAs(cluster, await tokenOf(api, { account: 'responder', pod: null }))
  stack.defer(view.close)
  const podOf = async (name: string, serviceAccount: string) => ({
    name,
    uid: await makePod(api, name, { node: 'node-a', serviceAccount }),
  })
  detector = await podOf('detector-a', 'detector')
  token = await tokenOf(api, { account: 'detector', audience, pod: detector })
  const audit = await podOf('audit-a', 'audit')
  auditToken = await tokenOf(api, { account: 'audit', audience, pod: audit })
})

let app: FastifyInstance
let trust: TokenReviewTrust
let hub: NodeHub
let nowMs: number
let taken: Alert[]
let amended: Amendment[]
beforeEach(() => {
  nowMs = Date.now()
  taken = []
  amended = []
  if (view === undefined) return
  view.state.isAway = false
  view.state.calls.length = 0
  trust = tokenReviewTrust({
    accounts: { audience, node: ['riposte/detector'], audit: ['riposte/audit'] },
    kubernetes: () => view.kubernetes,
    nowMs: () => nowMs,
  })
  hub = new NodeHub()
  app = fastify()
  nodeRoutesOn(app, {
    hub,
    trust,
    takeEvidence: () => Promise.resolve(null),
    takeAlerts: (alerts) => Promise.resolve(void taken.push(...alerts)),
    takeAmendments: (amendments) => Promise.resolve(void amended.push(...amendments)),
  })
})

interface Sent {
  readonly as?: string
  readonly node?: string
  readonly path?: string
}

async function send(body: object, { as = token, node = 'node-a', path }: Sent = {}) {
  const answer = await app.inject({
    method: 'POST',
    url: path ?? nodeRoutes.alerts,
    headers: { authorization: `Bearer ${as}`, [nodeHeader]: node },
    payload: body,
  })
  const code = answer.body === '' ? '' : String(answer.json().code ?? answer.json().error?.code)
  return `${answer.statusCode} ${code}`.trim()
}

const alerts = (...given: readonly Alert[]) => ({ alerts: given })
const hello = alerts(sampleAlert())

const pod = (changes: Partial<Pod>): Pod => ({
  uid: 'made-up',
  namespace,
  name: 'web-0',
  serviceAccount: 'default',
  priorityClass: null,
  isHostNetwork: false,
  labels: {},
  annotations: {},
  owners: [],
  ...changes,
})
const inPod = (changes: Partial<Pod>) =>
  sampleAlert({
    place: {
      cgroupId: '7',
      containerId: '0123456789ab',
      container: null,
      pod: pod(changes),
      isPending: false,
    },
  })

test("a detector's projected token opens the door of its own node", async () => {
  expect(await send(hello)).toBe('204')
  expect(taken).toHaveLength(1)
})

test('a forged node is refused, in the header and in the alert', async () => {
  expect(await send(hello, { node: 'node-b' })).toBe('403 other_node')
  expect(await send(alerts(sampleAlert({ node: 'node-b' })))).toBe('403 other_node')
  expect(taken).toEqual([])
})

test('a token of another service account is refused', async () => {
  const name = 'other-a'
  const uid = await makePod(cluster.api, name, { node: 'node-a', serviceAccount: 'other' })
  const as = await tokenOf(cluster.api, { account: 'other', audience, pod: { name, uid } })
  expect(await send(hello, { as })).toBe('403 other_account')
})

test('a token for another audience is refused', async () => {
  for (const other of ['vault', undefined]) {
    const asked = { account: 'detector', pod: detector }
    const as = await tokenOf(
      cluster.api,
      other === undefined ? asked : { ...asked, audience: other },
    )
    expect(await send(hello, { as })).toBe('401 other_audience')
  }
})

test('a token that is bound to no pod on a node is refused', async () => {
  const as = await tokenOf(cluster.api, { account: 'detector', audience, pod: null })
  expect(await send(hello, { as })).toBe('403 unbound_token')
})

test('an expired token is refused, also one that was believed before', async () => {
  expect(await send(hello)).toBe('204')
  nowMs += 601_000
  expect(await send(hello)).toBe('401 token_expired')
})

test('a forged signature, and what is no token, are refused', async () => {
  const [header, payload] = token.split('.')
  const as = [header, payload, Buffer.alloc(256, 1).toString('base64url')].join('.')
  expect(await send(hello, { as })).toBe('401 token_refused')
  expect(await send(hello, { as: 'guess' })).toBe('401 token_refused')
  expect(await send(hello, { as: `a.${Buffer.from('{').toString('base64url')}.c` })).toBe(
    '401 token_refused',
  )
})

test('the token of a pod that was deleted is refused once the API server says so', async () => {
  const name = 'detector-gone'
  const uid = await makePod(cluster.api, name, { node: 'node-a', serviceAccount: 'detector' })
  const asked = { account: 'detector', audience, pod: { name, uid }, seconds: 86_400 }
  const as = await tokenOf(cluster.api, asked)
  expect(await send(hello, { as })).toBe('204')
  await cluster.api.request(
    'DELETE',
    `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`,
  )
  // The API server remembers for ten seconds itself; each look is a minute of ours later.
  const refused = await eventually(
    () => {
      nowMs += 60_001
      return send(hello, { as })
    },
    (answer) => answer !== '204',
  )
  expect(refused).toBe('401 token_refused')
}, 60_000)

test('one review serves many requests, and refusals are remembered for a moment', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(hello)))
  expect(new Set(answers)).toEqual(new Set(['204']))
  const unbound = await tokenOf(cluster.api, { account: 'detector', audience, pod: null })
  for (let time = 0; time < 3; time++) await send(hello, { as: unbound })
  expect(view.state.calls.filter((call) => call.endsWith('tokenreviews'))).toHaveLength(2)
})

test('while the API server is away, known nodes go on for ten minutes and new ones are told to wait', async () => {
  expect(await send(hello)).toBe('204')
  view.state.isAway = true
  nowMs += 300_000
  expect(await send(hello)).toBe('204')
  expect(trust.degraded().join()).toMatch(/reviews no node tokens .*ECONNREFUSED/)
  const name = 'detector-new'
  const uid = await makePod(cluster.api, name, { node: 'node-b', serviceAccount: 'detector' })
  const as = await tokenOf(cluster.api, { account: 'detector', audience, pod: { name, uid } })
  expect(await send(hello, { as, node: 'node-b' })).toBe('503 review_unavailable')
  view.state.isAway = false
  nowMs += 2000
  expect(await send(hello)).toBe('204')
  expect(trust.degraded()).toEqual([])
})

test('ten minutes after its last review nothing is believed without the API server', async () => {
  const asked = { account: 'detector', audience, pod: detector }
  const as = await tokenOf(cluster.api, { ...asked, seconds: 3600 })
  expect(await send(hello, { as })).toBe('204')
  view.state.isAway = true
  nowMs += 599_000
  expect(await send(hello, { as })).toBe('204')
  nowMs += 2000
  expect(await send(hello, { as })).toBe('503 review_unavailable')
})

test('a flood of new tokens asks the API server a bounded number of times a second', async () => {
  const [header = '', payload = ''] = token.split('.')
  expect(await send(hello)).toBe('204')
  nowMs += 61_000
  const forged = (index: number) =>
    `${header}.${payload}.${Buffer.from(`${index}`).toString('base64url')}`
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => send(hello, { as: forged(index) })),
  )
  expect(answers.filter((answer) => answer === '503 reviews_busy')).toHaveLength(150)
  expect(await send(hello)).toBe('204')
})

test('an alert of a pod on another node is refused', async () => {
  const uid = await makePod(cluster.api, 'on-b', { node: 'node-b' })
  expect(await send(alerts(inPod({ uid, name: 'on-b' })))).toBe('403 foreign_pod')
  const amendment = {
    alertId: sampleAlert().id,
    node: 'node-a',
    place: inPod({ uid, name: 'on-b' }).place,
    outputFields: {},
  }
  expect(await send({ amendments: [amendment] }, { path: nodeRoutes.amendments })).toBe(
    '403 foreign_pod',
  )
  expect([taken, amended]).toEqual([[], []])
})

test('of a Job that is named after the minute it was due in, the CronJob is believed', async () => {
  const minute = Math.floor(Date.now() / 60_000)
  const job = { apiVersion: 'batch/v1', kind: 'Job', name: `nightly-${minute}`, uid: 'j-1' }
  const name = `${job.name}-x`
  const ownerReferences = [{ ...job, controller: true }]
  const uid = await makePod(cluster.api, name, { node: 'node-a', ownerReferences })
  const say = async (cronJob: string) => {
    const above = { apiVersion: 'batch/v1', kind: 'CronJob', name: cronJob, uid: null }
    expect(await send(alerts(inPod({ uid, name, owners: [job, above] })))).toBe('204')
    return taken.at(-1)?.place?.pod?.owners.map((owner) => owner.name)
  }
  expect(await say('nightly')).toEqual([job.name, 'nightly'])
  expect(await say('victim')).toEqual([job.name])
})

test('a pod is what the API server says it is, whatever the node says', async () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'r-1' }
  const uid = await makePod(cluster.api, 'web-5d4f-x', {
    node: 'node-a',
    labels: { app: 'web', 'pod-template-hash': '5d4f' },
    ownerReferences: [{ ...owner, controller: true }],
  })
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'forged' }
  const say = async (owners: Pod['owners']) => {
    const said = { uid, name: 'web-5d4f-x', serviceAccount: 'victim', labels: {}, owners }
    expect(await send(alerts(inPod(said)))).toBe('204')
    return taken.at(-1)?.place?.pod
  }
  expect(await say([owner, deployment])).toMatchObject({
    serviceAccount: 'default',
    labels: { app: 'web' },
    owners: [owner, { ...deployment, uid: null }],
  })
  expect((await say([owner, { ...deployment, name: 'victim' }]))?.owners).toEqual([owner])
  expect((await say([deployment, deployment]))?.owners).toEqual([
    owner,
    { ...deployment, uid: null },
  ])
})

test('a made-up pod is taken down, reaches no workload, and no action is planned on it', async () => {
  const victim = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'victim', uid: null }
  const said = { name: 'nowhere', owners: [victim], serviceAccount: 'victim' }
  expect(await send(alerts(inPod(said)))).toBe('204')
  const [alert = sampleAlert()] = taken
  expect(alert.place?.pod).toMatchObject({ uid: 'made-up', owners: [], serviceAccount: '' })
  expect(targetFor('workload', alert)).toBeUndefined()
  const target = targetFor('pod', alert)
  if (target === undefined) throw new Error('it is about a pod')
  await expect(trust.confirm(alert, target)).rejects.toMatchObject({ code: 'target_gone' })
})

test('a made-up UID of a pod that is there is not that pod', async () => {
  await makePod(cluster.api, 'on-b-too', { node: 'node-b' })
  expect(await send(alerts(inPod({ name: 'on-b-too' })))).toBe('204')
  const [alert = sampleAlert()] = taken
  const target = targetFor('pod', alert)
  if (target === undefined) throw new Error('it is about a pod')
  await expect(trust.confirm(alert, target)).rejects.toMatchObject({ code: 'target_gone' })
})

test('what was taken while the API server was away is checked before anything is planned', async () => {
  const uid = await makePod(cluster.api, 'on-b-away', { node: 'node-b' })
  expect(await send(hello)).toBe('204')
  view.state.isAway = true
  expect(await send(alerts(inPod({ uid, name: 'on-b-away' })))).toBe('204')
  const alert = taken.at(-1) ?? sampleAlert()
  const target = targetFor('pod', alert)
  if (target === undefined) throw new Error('it is about a pod')
  await expect(trust.confirm(alert, target)).rejects.toMatchObject({ retryable: true })
  view.state.isAway = false
  nowMs += 2000
  await expect(trust.confirm(alert, target)).rejects.toMatchObject({ code: 'refused' })
})

test('names that would lead elsewhere in the API are no pods', async () => {
  for (const name of ['../secrets/x', 'a/log', 'a?b', ''])
    expect(await send(alerts(inPod({ name })))).toBe('403 foreign_pod')
})

const audited = sampleAlert({
  source: 'k8s_audit',
  process: null,
  place: null,
  request: {
    auditId: 'a',
    verb: 'create',
    user: 'mallory',
    groups: [],
    impersonated: null,
    sourceIps: [],
    userAgent: '',
  },
})

test('a detector of audit events says nothing of processes and pods, and one of a node nothing of requests', async () => {
  const asAudit = { as: auditToken }
  expect(await send(alerts(audited), asAudit)).toBe('204')
  expect(await send(hello, asAudit)).toBe('403 other_source')
  expect(await send(alerts({ ...inPod({}), process: null }), asAudit)).toBe('403 other_source')
  expect(await send(alerts({ ...audited, source: 'syscall' }), asAudit)).toBe('403 other_source')
  expect(
    await send(
      {
        amendments: [{ ...inPod({}), alertId: 'a'.repeat(32) }].map(({ alertId, node, place }) => ({
          alertId,
          node,
          place,
          outputFields: {},
        })),
      },
      { ...asAudit, path: nodeRoutes.amendments },
    ),
  ).toBe('403 other_source')
  expect(await send(alerts(audited))).toBe('403 other_source')
  expect(await send(alerts({ ...audited, source: 'syscall' }))).toBe('403 other_source')
})

const ordersFor = async (as: string) => {
  const headers = { authorization: `Bearer ${as}`, [nodeHeader]: 'node-a' }
  const answer = await app.inject({ method: 'GET', url: nodeRoutes.orders, headers })
  return answer.json().verdicts.length
}

test('a detector of audit events does not fetch the orders of the node that it is on', async () => {
  const asked = hub.ask('node-a', {
    id: 's1',
    operation: 'plan',
    action: 'freeze',
    parameters: {},
    bootId: 'b',
    process: null,
    place: null,
    fields: {},
    effect: null,
    deadlineMs: Date.now() + 60_000,
  })
  expect(await ordersFor(auditToken)).toBe(0)
  expect(await ordersFor(token)).toBe(1)
  hub.close()
  await expect(asked).rejects.toMatchObject({ code: 'node_unavailable' })
})
