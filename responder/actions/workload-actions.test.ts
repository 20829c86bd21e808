import { expect } from '@jest/globals'
import { eventually } from '../../e2e/support/eventually.ts'
import { callOf, planned, undoing } from '../../e2e/support/calls.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { alertFrom, auditAlert, makeWorkload, podOfWorkload } from '../../e2e/support/workloads.ts'
import { needs } from '../../scripts/needs.ts'
import { valueAt } from '../kubernetes/changes.ts'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { referenceTo } from '../kubernetes/objects.ts'
import { revisionsOf } from '../kubernetes/revisions.ts'
import { podAlert } from '../policy/alert.sample.ts'
import { rolloutRestart } from './rollout-restart.ts'
import { rolloutUndo } from './rollout-undo.ts'
import { cronJobOf } from '../../contract/kubernetes.ts'
import { suspendCronjob } from './suspend-cronjob.ts'

const test = needs('cluster')
const cluster = testCluster({ controllers: true })

const now = (object: KubernetesObject) => cluster.kubernetes.get(referenceTo(object))
const imagePath = '/spec/template/spec/containers'
const imageOf = async (object: KubernetesObject) =>
  JSON.stringify(valueAt(await now(object), imagePath)).match(/none:\d/)?.[0]
const setImage = async (object: KubernetesObject, image: string) => {
  await cluster.kubernetes.patch(referenceTo(object), [
    { op: 'replace', path: `${imagePath}/0/image`, value: image },
  ])
}
/** Until its controller has kept so many templates. */
const kept = (object: KubernetesObject, count: number) =>
  eventually(
    () => revisionsOf(cluster.kubernetes, object),
    (revisions) => revisions.length >= count,
  )
const changed = { code: 'refused', message: expect.stringContaining('was changed since') }
const kinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const

async function attacked(kind: (typeof kinds)[number], name: string) {
  // A DaemonSet has no pods here, as there is no node.
  const workload = await makeWorkload(cluster, { kind, name })
  const alert =
    kind === 'DaemonSet'
      ? podAlert({ namespace: 'default', owners: [{ ...referenceTo(workload) }] })
      : alertFrom(await podOfWorkload(cluster, workload), workload)
  return { workload, alert }
}

test.each(kinds)('a %s is restarted once for an alert', async (kind) => {
  const { kubernetes } = cluster
  const { workload, alert } = await attacked(kind, `restart-${kind.toLowerCase()}`)
  const call = callOf(rolloutRestart, { alert, kubernetes })
  const effect = await planned(rolloutRestart, call)
  expect((await now(workload)).metadata.generation).toBe(1)
  await rolloutRestart.run(call, effect)
  await rolloutRestart.run(call, effect)
  expect(await rolloutRestart.verify?.(call, effect)).toBe(true)
  expect((await now(workload)).metadata.generation).toBe(2)
  expect(await rolloutRestart.plan(call)).toMatchObject({ kind: 'already_done' })
})

test('a rollout that would leave the pods as they are is refused', async () => {
  const { kubernetes } = cluster
  const paused = { kind: 'Deployment', name: 'paused', spec: { paused: true } } as const
  const workload = await makeWorkload(cluster, paused)
  const alert = auditAlert({ name: 'paused', uid: workload.metadata.uid })
  const refusal = { code: 'refused', message: expect.stringContaining('is paused') }
  await expect(
    rolloutRestart.plan(callOf(rolloutRestart, { alert, kubernetes })),
  ).rejects.toMatchObject(refusal)
  await expect(rolloutUndo.plan(callOf(rolloutUndo, { alert, kubernetes }))).rejects.toMatchObject(
    refusal,
  )
})

test.each(kinds)('a %s goes back to its former template, and forward again', async (kind) => {
  const { kubernetes } = cluster
  const { workload, alert } = await attacked(kind, `back-${kind.toLowerCase()}`)
  const call = callOf(rolloutUndo, { alert, kubernetes })
  await kept(workload, 1)
  await expect(rolloutUndo.plan(call)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('has no revision before its own'),
  })
  await setImage(workload, 'none:2')
  await kept(workload, 2)

  const effect = await planned(rolloutUndo, call)
  expect(JSON.stringify(effect)).not.toContain('none:')
  expect(await imageOf(workload)).toBe('none:2')
  await rolloutUndo.run(call, effect)
  await rolloutUndo.run(call, effect)
  expect(await imageOf(workload)).toBe('none:1')
  expect(await rolloutUndo.verify?.(call, effect)).toBe(true)

  await rolloutUndo.undo?.(undoing(call), effect)
  expect(await imageOf(workload)).toBe('none:2')
})

test('a template that somebody changed since is left as it is', async () => {
  const { kubernetes } = cluster
  const { workload, alert } = await attacked('Deployment', 'edited')
  await kept(workload, 1)
  await setImage(workload, 'none:2')
  await kept(workload, 2)
  const call = callOf(rolloutUndo, { alert, kubernetes })
  const effect = await planned(rolloutUndo, call)
  await setImage(workload, 'none:3')
  await expect(rolloutUndo.run(call, effect)).rejects.toMatchObject(changed)
  await expect(rolloutUndo.undo?.(undoing(call), effect)).rejects.toMatchObject(changed)
  expect(await imageOf(workload)).toBe('none:3')
})

const job = {
  template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'none' }] } },
}
const cronJob = async (name: string) => {
  const made = await cluster.kubernetes.create({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name, namespace: 'default' },
    spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: job } },
  })
  if (made === null) throw new Error('there is one')
  return made
}

test('a CronJob is suspended, found from the pod of one of its Jobs, and resumed', async () => {
  const { kubernetes, controlPlane } = cluster
  const cron = await cronJob('nightly')
  // As its controller would name it.
  const run = `nightly-${Math.floor(Date.now() / 60_000)}`
  await controlPlane.kubectl(['create', 'job', run, '--from=cronjob/nightly'])
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: 'default' }
  const [pod] = await eventually(
    () => kubernetes.list(of, { labels: `job-name=${run}` }),
    (found) => found.length > 0,
  )
  if (pod === undefined) throw new Error('none')
  const created = Date.parse(pod.metadata.creationTimestamp ?? '')
  expect(cronJobOf(run, created)).toBe('nightly')
  const call = callOf(suspendCronjob, { alert: alertFrom(pod, cron), kubernetes })
  const effect = await planned(suspendCronjob, call)
  await suspendCronjob.run(call, effect)
  expect(await suspendCronjob.verify?.(call, effect)).toBe(true)
  expect(await now(cron)).toMatchObject({ spec: { suspend: true } })
  expect(await suspendCronjob.plan(call)).toMatchObject({ kind: 'already_done' })
  await suspendCronjob.undo?.(undoing(call), effect)
  const resumed = await now(cron)
  expect(resumed).toMatchObject({ spec: { suspend: false } })
  expect(resumed.metadata.annotations ?? {}).toEqual({})
})

test('a Job of its own is suspended: its pods end', async () => {
  const { kubernetes } = cluster
  const made = await kubernetes.create({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'once', namespace: 'default' },
    spec: job,
  })
  if (made === null) throw new Error('there is one')
  const { uid } = made.metadata
  const alert = auditAlert({ apiGroup: 'batch', resource: 'jobs', name: 'once', uid })
  const call = callOf(suspendCronjob, { alert, kubernetes })
  await suspendCronjob.run(call, await planned(suspendCronjob, call))
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: 'default' }
  await eventually(
    () => kubernetes.list(of, { labels: 'job-name=once' }),
    (pods) => pods.length === 0,
  )
  expect(await now(made)).toMatchObject({ spec: { suspend: true } })
})

test('a CronJob made anew under the same name goes on', async () => {
  const { kubernetes } = cluster
  const first = await cronJob('anew')
  const { uid } = first.metadata
  const alert = auditAlert({ apiGroup: 'batch', resource: 'cronjobs', name: 'anew', uid })
  const call = callOf(suspendCronjob, { alert, kubernetes })
  const effect = await planned(suspendCronjob, call)
  await kubernetes.delete(referenceTo(first))
  const second = await cronJob('anew')
  const gone = { code: 'target_gone' }
  await expect(suspendCronjob.plan(call)).rejects.toMatchObject(gone)
  await expect(suspendCronjob.run(call, effect)).rejects.toMatchObject(gone)
  expect(await now(second)).toMatchObject({ spec: { suspend: false } })
})
