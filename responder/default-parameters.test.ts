import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { nodeActionParameters } from '../contract/node-actions.ts'
import { actions } from './actions/index.ts'
import { podAlert, sampleAlert } from './policy/alert.sample.ts'
import { SampleNode, startSample, until, type Sample } from './start.sample.ts'

/** Those that have a parameter without a default. */
const written: Readonly<Record<string, string>> = {
  run_program: 'run_program: { argv: [/bin/true] }',
  exec_in_pod: 'exec_in_pod: { argv: [/bin/true] }',
  create_job: 'create_job: { template: sweep }',
}

const policyOf = (action: string) =>
  `apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: ${action.replaceAll('_', '-')} }
spec:
  mode: enforce
  match: { rules: { names: [${action}] } }
  ladder: [{ name: one, do: [${written[action] ?? action}] }]
`

let sample: Sample
let node: SampleNode
beforeAll(async () => {
  sample = await startSample({
    'all.yaml': actions.map(({ name }) => policyOf(name)).join('---\n'),
  })
  node = new SampleNode(sample)
  node.start(({ operation }) => ({
    status: operation === 'plan' ? 'planned' : 'done',
    detail: 'as asked',
  }))
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await sample[Symbol.asyncDispose]()
})

/** A program is only run when a person says so, whatever the policy asks. */
async function approveAll(): Promise<void> {
  const { body } = await sample.call('GET', '/v1/approvals?status=pending')
  for (const { id } of body.approvals)
    await sample.call('POST', `/v1/approvals/${id}/votes`, { choice: 'approve', reason: 'seen' })
}

/** Those that need an API server have tests of their own. */
const offline = actions.filter(({ rbac }) => rbac.length === 0)

test.each(offline.map(({ name }, index) => [name, index] as const))(
  '%s with no parameters written is carried out with its defaults, which stand in the step',
  async (name, index) => {
    const action = offline[index]
    const about = action?.target === 'pod' ? podAlert() : sampleAlert()
    const alert = { ...about, id: String(index).padStart(32, '0'), rule: name }
    await node.alerts(alert)
    const decision = await until(async () => {
      const { body } = await sample.call('GET', `/v1/alerts/${alert.id}`)
      if (body.decisions[0]?.status === 'held') await approveAll()
      return body.decisions[0]?.outcome === null ? undefined : body.decisions[0]
    })
    expect(decision.outcome).toMatchObject({ status: 'done' })
    const { body: step } = await sample.call('GET', `/v1/steps/${decision.stepId}`)
    const given = name === 'run_program' ? { argv: ['/bin/true'] } : {}
    expect(step.parameters).toEqual(action?.parameters.parse(given))
    expect(Object.keys(step.parameters)).not.toEqual([])
    const asked = node.verdicts.filter(({ action: one }) => one === name)
    expect(asked.map(({ parameters }) => parameters)).toEqual(asked.map(() => step.parameters))
    expect(asked.length > 0).toBe(name in nodeActionParameters)
  },
)

test('an action on Kubernetes says what to do where no API server is configured', async () => {
  const alert = sampleAlert({ id: 'f'.repeat(32), rule: 'cordon_node' })
  await node.alerts(alert)
  const decision = await until(async () => {
    const { body } = await sample.call('GET', `/v1/alerts/${alert.id}`)
    return body.decisions[0]?.outcome === null ? undefined : body.decisions[0]
  })
  expect(decision.outcome).toMatchObject({
    status: 'failed',
    code: 'refused',
    detail: expect.stringContaining('set kubernetes.kubeconfig'),
  })
})
