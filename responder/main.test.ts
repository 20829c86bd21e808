import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { Verdict } from '../contract/verdict.ts'
import { sampleAlert } from './policy/alert.sample.ts'
import { SampleNode, startSample, until, type Sample } from './start.sample.ts'

const policy = (name: string, spec: string) =>
  `apiVersion: riposte.dev/v1alpha1\nkind: ClusterResponsePolicy\nmetadata: { name: ${name} }\nspec: ${spec}\n`

const files = {
  'shadow.yaml': policy(
    'shadow',
    '{ match: { rules: { names: [Read sensitive file untrusted] } }, ladder: [{ name: strike, do: [kill_process] }] }',
  ),
  'ask.yaml': policy(
    'ask',
    '{ mode: enforce, match: { rules: { names: [Reverse shell] } }, ladder: [{ name: stop, do: [freeze], undo: { ttl: 1h }, approve: { reason: required, channels: [log] } }] }',
  ),
  'guard.yaml':
    'apiVersion: riposte.dev/v1alpha1\nkind: ResponseGuard\nmetadata: { name: ceiling }\nspec: { protected: { processes: [/opt/backup/agent, backupd] } }\n',
}

let sample: Sample
let node: SampleNode
beforeEach(async () => {
  sample = await startSample(files)
  node = new SampleNode(sample)
})
afterEach(async () => {
  await node[Symbol.asyncDispose]()
  await sample[Symbol.asyncDispose]()
})

const carryOut = ({ operation, action }: Verdict) =>
  ({ status: operation === 'plan' ? 'planned' : 'done', detail: `${action} cat (812)` }) as const

const decisions = async (id: string): Promise<string[]> => {
  const { body } = await sample.call('GET', `/v1/alerts/${id}`)
  return body.decisions.map(({ summary }: { summary: string }) => summary)
}

test('in audit an alert ends as "would", and nothing but a plan is asked of the node', async () => {
  node.start(carryOut)
  const alert = sampleAlert()
  expect(await node.alerts(alert)).toBe(204)
  const [decision] = await until(async () => {
    const found = await decisions(alert.id)
    return found[0]?.startsWith('audit') === true ? found : undefined
  })
  expect(decision).toBe('audit: would kill_process cat (812)')
  const short = await sample.call('GET', `/v1/alerts/${alert.id.slice(0, 6)}`)
  expect(short.body.id).toBe(alert.id)
  expect(node.verdicts.map(({ operation }) => operation)).toEqual(['plan'])
  const { body } = await sample.call('GET', `/v1/alerts/${alert.id}`)
  expect(
    body.policies.map((one: { policy: string; isMatch: boolean }) => [one.policy, one.isMatch]),
  ).toEqual([
    ['ask', false],
    ['shadow', true],
    ['rule-actions', false],
  ])
})

test('set-mode enforces at once, tells the nodes, is audited, and outlives a restart', async () => {
  node.start(carryOut)
  const before = await until(() => node.orders.at(-1)?.strikes)
  expect(before.orders.map((order) => [order.policy, order.mode])).toContainEqual([
    'shadow',
    'audit',
  ])
  const body = { mode: 'enforce', reason: 'watched it for a week' }
  expect((await sample.call('POST', '/v1/policies/shadow/mode', body)).status).toBe(204)
  const told = await until(() =>
    node.orders
      .at(-1)
      ?.strikes.orders.find(({ policy: name, mode }) => name === 'shadow' && mode === 'enforce'),
  )
  expect(told.policyGeneration).toMatch(/^[0-9a-f]{16}-enforce$/)
  await node.alerts(sampleAlert({ id: 'a'.repeat(32) }))
  await until(async () =>
    (await decisions('a'.repeat(32)))[0]?.startsWith('done') === true ? true : undefined,
  )
  expect(node.verdicts.map(({ operation }) => operation)).toEqual(['plan', 'run', 'verify'])
  await node[Symbol.asyncDispose]()
  await sample.restart()
  const { body: after } = await sample.call('GET', '/v1/policies/shadow')
  expect(after).toMatchObject({ mode: 'enforce', fileMode: 'audit', override: { mode: 'enforce' } })
  const { body: audit } = await sample.call('GET', '/v1/audit?subject=shadow')
  expect(audit.records[0]).toMatchObject({
    kind: 'policy_mode',
    body: { mode: 'enforce', reason: body.reason },
  })
})

test('a policy with an approval waits for people, acts once when they agree, and can be undone', async () => {
  node.start(carryOut)
  await node.alerts(sampleAlert({ rule: 'Reverse shell' }))
  const approval = await until(
    async () => (await sample.call('GET', '/v1/approvals')).body.approvals[0],
  )
  expect(approval).toMatchObject({ action: 'freeze', policy: 'ask', detail: 'freeze cat (812)' })
  expect(node.verdicts.map(({ operation }) => operation)).toEqual(['plan'])
  await until(() => sample.told.find((line) => line.includes('Approval asked: freeze')))
  const votes = `/v1/approvals/${approval.id}/votes`
  expect((await sample.call('POST', votes, { choice: 'approve' })).status).toBe(422)
  expect(
    (await sample.call('POST', votes, { choice: 'approve', reason: 'it is one' })).body,
  ).toMatchObject({ kind: 'approved' })
  expect((await sample.call('POST', votes, { choice: 'deny', reason: 'late' })).status).toBe(409)
  const containment = await until(
    async () => (await sample.call('GET', '/v1/containments')).body.containments[0],
  )
  expect(node.verdicts.filter(({ operation }) => operation === 'run')).toHaveLength(1)
  expect(
    (await sample.call('POST', `/v1/containments/${containment.id}/extend`, { by: '2h' })).body
      .expiresMs,
  ).toBeGreaterThan(containment.expiresMs + 7_000_000)
  expect((await sample.call('POST', `/v1/containments/${containment.id}/undo`, {})).status).toBe(
    200,
  )
  await until(async () =>
    (await sample.call('GET', '/v1/containments')).body.containments.length === 0
      ? true
      : undefined,
  )
  expect(node.verdicts.at(-1)?.operation).toBe('undo')
  expect((await sample.call('GET', '/v1/audit/verify')).body).toMatchObject({ isIntact: true })
})

test('the kill switch reaches the nodes, and nothing is carried out while it is on', async () => {
  node.start(carryOut)
  await sample.call('POST', '/v1/policies/shadow/mode', { mode: 'enforce' })
  await sample.call('POST', '/v1/kill-switch', { isOn: true, reason: 'drill' })
  await until(() => (node.orders.at(-1)?.killSwitch === true ? true : undefined))
  await node.alerts(sampleAlert())
  const [decision] = await until(async () => {
    const found = await decisions(sampleAlert().id)
    return found[0]?.startsWith('suppressed') === true ? found : undefined
  })
  expect(decision).toMatch('the kill switch is on')
  await until(async () => {
    const { body } = await sample.call('GET', '/healthz')
    return body.status === 'degraded' ? true : undefined
  })
  await sample.call('POST', '/v1/kill-switch', { isOn: false })
  await until(() => (node.orders.at(-1)?.killSwitch === false ? true : undefined))
})

test('a policy file with a mistake leaves the policies before it in force, and says so', async () => {
  const broken = join(sample.policyDirectory, 'new.yaml')
  await writeFile(broken, policy('new', '{ match: {}, ladder: [{ name: x, do: [isolate-pods] }] }'))
  const problems = await until(async () => {
    const { body } = await sample.call('GET', '/v1/policies')
    return body.problems.length > 0 ? body : undefined
  })
  expect(problems.policies.map(({ name }: { name: string }) => name)).toEqual([
    'ask',
    'shadow',
    'rule-actions',
  ])
  expect(problems.problems).toHaveLength(2)
  expect(sample.responder.degraded().join()).toMatch('2 problems')
  await writeFile(
    broken,
    policy('new', '{ match: { rules: { tags: [x] } }, ladder: [{ name: x, do: [notify] }] }'),
  )
  await until(async () => {
    const { body } = await sample.call('GET', '/v1/policies')
    return body.policies.length === 4 ? true : undefined
  })
  expect(sample.responder.degraded()).toEqual([])
})

test('an alert sent twice is one alert, and one of another node is refused', async () => {
  expect(await node.alerts(sampleAlert())).toBe(204)
  expect(await node.alerts(sampleAlert())).toBe(204)
  expect((await sample.call('GET', '/v1/alerts')).body.alerts).toHaveLength(1)
  expect(await node.alerts(sampleAlert({ id: 'b'.repeat(32), node: 'node-b' }))).toBe(403)
  expect((await sample.call('GET', '/v1/alerts')).body.alerts).toHaveLength(1)
})

test.each([
  ['/opt/backup/agent', /^suppressed: .* is protected: \/opt\/backup\/agent \(guard\)/],
  ['/usr/sbin/backupd', /^suppressed: .* is protected: backupd \(guard\)/],
  // Anybody can call a program so.
  ['/tmp/backupd', /^done: /],
])('a guard file protects what it names, and nothing else: %s', async (exePath, decided) => {
  node.start(carryOut)
  await sample.call('POST', '/v1/policies/shadow/mode', { mode: 'enforce' })
  const { process } = sampleAlert()
  if (process === null) throw new Error('the sample has a process')
  await node.alerts(sampleAlert({ process: { ...process, exePath, userId: 0 } }))
  const [decision] = await until(async () => {
    const found = await decisions(sampleAlert().id)
    return found[0] !== undefined && /^(suppressed|done)/.test(found[0]) ? found : undefined
  })
  expect(decision).toMatch(decided)
})

test('an id may be cut short as long as it names one alert', async () => {
  const [one, other] = ['abcd1', 'abcd2'].map((id) => id.padEnd(32, '0'))
  for (const id of [one, other]) await node.alerts(sampleAlert({ id: id ?? '' }))
  const ambiguous = await sample.call('GET', '/v1/alerts/abcd')
  expect(ambiguous).toMatchObject({ status: 409, body: { error: { code: 'ambiguous' } } })
  expect((await sample.call('GET', '/v1/alerts/abcd2')).body.id).toBe(other)
  expect((await sample.call('GET', '/v1/alerts/abcd3')).status).toBe(404)
  expect((await sample.call('GET', '/v1/alerts/abc')).status).toBe(404)
})
