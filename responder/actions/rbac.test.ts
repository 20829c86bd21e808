/** What makes the chart's Roles true: each action works with exactly the rights that its record names, and with none fewer. */
import { expect } from '@jest/globals'
import type { Alert } from '../../contract/alert.ts'
import { alertOf, callOf, planned } from '../../e2e/support/calls.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { does, type RightsCase } from '../../e2e/support/rights-case.ts'
import { isolationRights } from '../../e2e/support/isolation-rights.ts'
import { objectRights } from '../../e2e/support/object-rights.ts'
import { workloadRights } from '../../e2e/support/workload-rights.ts'
import { needs } from '../../scripts/needs.ts'
import { kindOf } from '../errors.ts'
import { sampleAlert } from '../policy/alert.sample.ts'
import { annotatePod } from './annotate-pod.ts'
import { cordonNode } from './cordon-node.ts'
import { deletePod } from './delete-pod.ts'
import { drainNode } from './drain-node.ts'
import { evictPod } from './evict-pod.ts'
import type { Action } from './action.ts'
import { actions } from './index.ts'
import { kubernetesEvent } from './kubernetes-event.ts'
import { labelNode } from './label-node.ts'
import { labelPod } from './label-pod.ts'
import { taintNode } from './taint-node.ts'
import { uncordonNode } from './uncordon-node.ts'

const test = needs('cluster')
const cluster = testCluster()

const onPod = async (name: string) => alertOf(await cluster.runPod(name, { app: name }))

async function onNode(name: string): Promise<Alert> {
  await cluster.createNode(name)
  const controller = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name,
    uid: name,
    controller: true,
  }
  const spec = { nodeName: name, terminationGracePeriodSeconds: 0 }
  await cluster.runPod(name, {}, spec, { ownerReferences: [controller] })
  return { ...sampleAlert(), node: name }
}

async function onCordoned(name: string): Promise<Alert> {
  const alert = await onNode(name)
  const call = callOf(cordonNode, { alert, kubernetes: cluster.kubernetes })
  await cordonNode.run(call, await planned(cordonNode, call))
  return alert
}

const onHeldPod = async (name: string) => {
  const alert = await onPod(name)
  const running = { op: 'add', path: '/status/phase', value: 'Running' } as const
  const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name, uid: null }
  await cluster.kubernetes.patch(pod, [running], { subresource: 'status' })
  await cluster.kubernetes.create({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: 'default' },
    spec: { maxUnavailable: 0, selector: { matchLabels: { app: name } } },
  })
  return alert
}

const cases: readonly RightsCase[] = [
  does(labelPod, onPod),
  does(annotatePod, onPod),
  does(labelNode, onNode, { labels: { a: 'b' } }),
  does(kubernetesEvent, onPod),
  does(deletePod, onPod),
  does(evictPod, onHeldPod, { overridePdb: true }),
  does(cordonNode, onNode),
  does(uncordonNode, onCordoned),
  does(taintNode, onNode, { effect: 'NoExecute' }),
  does(drainNode, onNode),
  isolationRights(cluster),
  ...workloadRights(cluster),
  ...objectRights(cluster),
]

test('every action that needs rights is in the table', () => {
  const needing = actions.filter(({ rbac }) => rbac.length > 0).map(({ name }) => name)
  expect(cases.map(({ action }) => action.name).toSorted()).toEqual(needing.toSorted())
})

for (const { action, act } of cases) {
  const title = action.name.replaceAll('_', '-')

  test(`${action.name} works with exactly its rights, and not with one verb fewer`, async () => {
    await act(await cluster.withRights(title, action.rbac), title)

    const each = action.rbac.flatMap(({ apiGroups, resources, verbs }) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({ apiGroups, resources: [resource], verbs: [verb] })),
      ),
    )
    // What two of its variants need is there once.
    const single = [...new Map(each.map((right) => [JSON.stringify(right), right])).values()]
    const outcomes: unknown[] = []
    for (const [index, right] of single.entries()) {
      const name = `${title}-${index}`
      const kubernetes = await cluster.withRights(name, single.toSpliced(index, 1))
      const without = nameOf(right)
      outcomes.push(
        await act(kubernetes, name).then(
          () => [without, 'works'],
          (error: unknown) => [without, kindOf(error).code],
        ),
      )
    }
    expect(outcomes).toEqual(single.map((right) => [nameOf(right), 'forbidden']))
  })
}

const nameOf = ({ apiGroups, resources, verbs }: Action['rbac'][number]): string =>
  `without ${verbs.join()} ${resources.join()} of ${apiGroups.join()}`
