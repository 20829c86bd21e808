import { expect } from '@jest/globals'
import { callOf, planned, undoing } from '../../e2e/support/calls.ts'
import { testSettings } from '../../e2e/support/kubernetes.ts'
import { share } from '../../e2e/support/shared.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { needs } from '../../scripts/needs.ts'
import { sampleAlert } from '../policy/alert.sample.ts'
import { createJob } from './create-job.ts'

const test = needs('cluster')
const { namespace } = testSettings
const cluster = testCluster()

share(['cluster'], async () => {
  await cluster.kubernetes.create({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  })
  await cluster.kubernetes.create({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'sweep', namespace },
    spec: {
      schedule: '0 0 1 1 *',
      suspend: true,
      jobTemplate: {
        metadata: { labels: { app: 'sweep' } },
        spec: {
          template: {
            spec: {
              restartPolicy: 'Never',
              containers: [
                {
                  name: 'main',
                  image: 'none',
                  env: [
                    { name: 'KEY', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
                    { name: 'RIPOSTE_FILE', value: 'of the template' },
                  ],
                },
              ],
            },
          },
        },
      },
    },
  })
})

const jobs = () => cluster.kubernetes.list({ apiVersion: 'batch/v1', kind: 'Job', namespace })
const alert = sampleAlert({ outputFields: { 'fd.name': '/x $(KEY) $$ ; id' } })
const parameters = { template: 'sweep', env: { FILE: '%fd.name', WHAT: 'sweep' } }

test('a Job is made once for a step, told fields as data, and deleted by undo', async () => {
  const { kubernetes } = cluster
  const call = callOf(createJob, { alert, kubernetes, parameters })
  const effect = await planned(createJob, call)
  expect(await jobs()).toEqual([])
  const { effect: done } = await createJob.run(call, effect)
  expect((await createJob.run(call, effect)).effect).toEqual(done)
  const made = await jobs()
  expect(made).toMatchObject([
    {
      metadata: { labels: { app: 'sweep' }, annotations: { 'riposte.dev/case': 'case-1' } },
      spec: {
        ttlSecondsAfterFinished: 3600,
        template: {
          spec: {
            containers: [
              {
                // The kubelet makes $(KEY) of $$(KEY), and reads no variable for it.
                env: [
                  { name: 'KEY' },
                  { name: 'RIPOSTE_FILE', value: '/x $$(KEY) $$$$ ; id' },
                  { name: 'RIPOSTE_WHAT', value: 'sweep' },
                ],
              },
            ],
          },
        },
      },
    },
  ])
  expect(made[0]?.metadata.ownerReferences).toBeUndefined()
  expect(await createJob.verify?.(call, done)).toBe(true)
  await createJob.undo?.(undoing(call), done)
  expect(await jobs()).toEqual([])
  expect((await createJob.undo?.(undoing(call), done))?.detail).toContain('is gone already')
})

test('a template that is not there, a field that the alert has not, and another Job of the name', async () => {
  const { kubernetes } = cluster
  const plan = (changes: object) =>
    createJob.plan(
      callOf(createJob, { alert, kubernetes, parameters: { ...parameters, ...changes } }),
    )
  await expect(plan({ template: 'other' })).rejects.toMatchObject({ code: 'target_gone' })
  await expect(plan({ env: { A: '%proc.cwd' } })).rejects.toMatchObject({ code: 'refused' })

  const call = callOf(createJob, { alert, kubernetes, parameters })
  const effect = await planned(createJob, call)
  const name = `sweep-${call.stepId.slice(0, 16)}`
  await kubernetes.create({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace },
    spec: {
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'none' }] } },
    },
  })
  await expect(createJob.run(call, effect)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('is not of this step'),
  })
})
