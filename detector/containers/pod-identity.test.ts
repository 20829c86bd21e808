import { expect } from '@jest/globals'
import { type ControlPlane, startControlPlane } from '../../e2e/cluster/control-plane.ts'
import { share } from '../../e2e/support/shared.ts'
import { needs } from '../../scripts/needs.ts'
import { TestContainerd } from './testing/containerd.ts'
import { startTestDetector } from './testing/detector.ts'

const wanted = ['root', 'ebpf', 'containerd', 'cluster'] as const
const test = needs(...wanted)

let cluster: ControlPlane
let containerd: TestContainerd
share(wanted, async (stack) => {
  cluster = stack.use(await startControlPlane())
  containerd = stack.use(await TestContainerd.start())
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
})

const rules = `
- rule: Touched
  desc: d
  condition: evt.type in (open, openat, creat) and evt.arg.flags contains O_CREAT and fd.name startswith /tmp/mark
  output: "%k8s.ns.name/%k8s.pod.name %k8s.pod.label[app]"
  priority: NOTICE
`

test('the pod of an alert has what only the API server knows: its account and its owners', async () => {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-0',
      namespace: 'default',
      labels: { app: 'web' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: '1-2', controller: true },
      ],
    },
    spec: { nodeName: 'node-a', containers: [{ name: 'nginx', image: 'lab.local/x:1' }] },
  })
  const { metadata } = await cluster.waitFor<{ metadata: { uid: string } }>(
    '/api/v1/namespaces/default/pods/web-0',
    Boolean,
  )
  await using detector = await startTestDetector([{ name: 'rules.yaml', text: rules }], {
    'riposte.node': 'node-a',
    'riposte.kubernetes': { enabled: 'always', kubeconfig: cluster.kubeconfig.path },
    'container_engines.cri': { sockets: [containerd.socket] },
  })
  await using pod = await containerd.runPod({
    name: 'web-0',
    uid: metadata.uid,
    labels: { app: 'as-it-was' },
    isHostNetwork: true,
  })
  await pod.run({ name: 'nginx', command: ['/bin/touch', '/tmp/mark-1'] })
  const alert = await detector.alert(({ rule }) => rule === 'Touched')
  expect(alert.output).toMatch(/^default\/web-0 web /)
  expect(alert.place).toMatchObject({
    isPending: false,
    container: { name: 'nginx' },
    pod: {
      uid: metadata.uid,
      serviceAccount: 'default',
      labels: { app: 'web' },
      owners: [{ kind: 'StatefulSet', name: 'web', uid: '1-2' }],
    },
  })
})
