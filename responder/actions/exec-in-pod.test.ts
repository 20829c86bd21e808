/** Exec, logs and checkpoints need a kubelet: on the whole cluster, one for all three. */
import { expect, jest } from '@jest/globals'
import { type Cluster, startCluster } from '../../e2e/cluster/cluster.ts'
import { references } from '../../e2e/cluster/images.ts'
import { alertOf, callOf, planned } from '../../e2e/support/calls.ts'
import { testSettings } from '../../e2e/support/kubernetes.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { share } from '../../e2e/support/shared.ts'
import { needs } from '../../scripts/needs.ts'
import type { Alert } from '../../contract/alert.ts'
import type { Kubernetes } from '../kubernetes/kubernetes.ts'
import { openKubernetes } from '../kubernetes/open.ts'
import { checkpointContainer } from './checkpoint-container.ts'
import { execInPod } from './exec-in-pod.ts'
import { getLogs } from './get-logs.ts'

const test = needs('cluster')
const patienceMs = 240_000
jest.setTimeout(patienceMs)
let cluster: Cluster
let kubernetes: Kubernetes

share(['cluster'], async (stack) => {
  cluster = stack.use(await startCluster())
  const opened = await openKubernetes({
    settings: { ...testSettings, kubeconfig: cluster.kubeconfig.path },
    version: '0.0.0',
    onCall: () => undefined,
  })
  kubernetes = stack.use(opened).within(new AbortController().signal)
})

const podReference = (name: string) =>
  ({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name, uid: null }) as const

/** Ready, and an alert from it. */
async function attacked(...[request]: Parameters<Cluster['runPod']>): Promise<Alert> {
  const { metadata } = await cluster.runPod(request)
  return alertOf(await kubernetes.get(podReference(metadata.name)), {
    'fd.name': '/etc/x; touch /tmp/owned $(id)',
  })
}

test('a program gets its arguments as they are, its output and exit code are kept', async () => {
  const alert = await attacked({ name: 'run' })
  const run = async (argv: string[], parameters: object = {}) => {
    const call = callOf(execInPod, { alert, kubernetes, parameters: { argv, ...parameters } })
    const done = await execInPod.run(call, await planned(execInPod, call))
    return { done, isVerified: await execInPod.verify?.(call, done.effect) }
  }
  const echo = await run(['echo', '-n', '%fd.name', '; touch /tmp/owned', '$HOME'])
  expect(echo.done.effect).toMatchObject({
    container: 'main',
    exitCode: 0,
    stdout: { text: '/etc/x; touch /tmp/owned $(id) ; touch /tmp/owned $HOME', isCut: false },
    stderr: { text: '' },
  })
  expect(echo.isVerified).toBe(true)

  const missing = await run(['ls', '/tmp/owned'])
  expect(missing.done.effect).toMatchObject({
    exitCode: 1,
    stderr: { text: expect.stringContaining('No such file') },
  })
  expect(missing.isVerified).toBe(false)

  const long = await run(['seq', '1', '100000'], { maxBytes: 100 })
  expect(long.done.effect).toMatchObject({ stdout: { bytes: 100 } })
  expect(long.done.detail).toContain('100 bytes are kept')

  await expect(run(['no-such-program'])).rejects.toMatchObject({ code: 'failed', retryable: false })
  await expect(run(['sleep', '60'], { timeoutMs: 1000 })).rejects.toMatchObject({
    code: 'failed',
    retryable: false,
    message: expect.stringContaining('did not end within 1000 ms'),
  })
  await expect(run(['true'], { container: 'other' })).rejects.toMatchObject({ code: 'refused' })
  await expect(run(['cat', '%proc.cwd'])).rejects.toMatchObject({ code: 'refused' })
})

test('nothing is run in, or read of, the pod that took the name', async () => {
  const alert = await attacked({ name: 'taken' })
  const call = callOf(execInPod, { alert, kubernetes, parameters: { argv: ['touch', '/tmp/x'] } })
  const logs = callOf(getLogs, { alert, kubernetes })
  const effects = [await planned(execInPod, call), await planned(getLogs, logs)] as const
  const { metadata } = await cluster.podReady('taken')
  await cluster.deletePod(await cluster.podReady(metadata.name))
  const second = await cluster.runPod({ name: 'taken' })
  const gone = { code: 'target_gone' }
  await expect(execInPod.run(call, effects[0])).rejects.toMatchObject(gone)
  await expect(getLogs.run(logs, effects[1])).rejects.toMatchObject(gone)
  expect(await cluster.exec(second, 'ls', '/tmp')).toBe('')
})

test('the logs of init containers and of before a restart are kept too', async () => {
  const alert = await attacked({
    name: 'writer',
    command: [
      'sh',
      '-c',
      'if [ -e /data/x ]; then echo second; sleep 1000000; fi; touch /data/x; echo first',
    ],
    container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
    spec: {
      volumes: [{ name: 'data', emptyDir: {} }],
      initContainers: [
        {
          name: 'prepare',
          image: references.busybox,
          imagePullPolicy: 'Never',
          command: ['sh', '-c', 'seq 1 2000'],
        },
      ],
    },
  })
  const call = callOf(getLogs, { alert, kubernetes, parameters: { lines: 10, maxBytes: 2000 } })
  const { effect } = await eventually(
    async () => getLogs.run(call, await planned(getLogs, call)),
    ({ effect: found }) => JSON.stringify(found).includes('main (previous)":{'),
    patienceMs,
  )
  expect(effect).toMatchObject({
    kept: {
      prepare: { text: expect.stringMatching(/ 1991\n[^]* 2000\n$/) },
      main: { text: expect.stringContaining(' second\n') },
      'main (previous)': { text: expect.stringContaining(' first\n') },
    },
  })
})

test('a checkpoint that kubelet or runtime cannot make is refused with what they say', async () => {
  const alert = await attacked({ name: 'remembered' })
  const call = callOf(checkpointContainer, { alert, kubernetes })
  const effect = await planned(checkpointContainer, call)
  await expect(checkpointContainer.run(call, effect)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(
      /^the kubelet of n\d writes no checkpoint of container main of pod/,
    ),
  })
})
