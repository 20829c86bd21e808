/** An alert for tests: a shell that read /etc/shadow. */
import type { Alert } from '../../contract/alert.ts'
import type { Pod } from '../../contract/kubernetes.ts'

export const sampleAlert = (changes: Partial<Alert> = {}): Alert => ({
  id: '0123456789abcdef0123456789abcdef',
  node: 'node-a',
  bootId: 'boot-1',
  rule: 'Read sensitive file untrusted',
  priority: 'Warning',
  source: 'syscall',
  tags: ['host', 'mitre_credential_access'],
  time: '2026-11-21T09:14:03.123456789Z',
  output: 'Sensitive file opened | file=/etc/shadow process=cat',
  outputFields: { 'fd.name': '/etc/shadow', 'proc.name': 'cat', 'user.name': 'mallory' },
  actions: [],
  process: {
    pid: 812,
    startTimeNs: '5000000',
    name: 'cat',
    exePath: '/usr/bin/cat',
    commandLine: 'cat /etc/shadow',
    parentPid: 800,
    sessionId: 800,
    userId: 1000,
  },
  place: { cgroupId: '1', containerId: 'host', container: null, pod: null, isPending: false },
  request: null,
  object: null,
  strikes: [],
  ...changes,
})

/** The same in a pod of a Deployment. */
export const podAlert = (pod: Partial<Pod> = {}) =>
  sampleAlert({
    place: {
      cgroupId: '7',
      containerId: '0123456789ab',
      container: null,
      isPending: false,
      pod: {
        uid: 'pod-uid',
        namespace: 'shop',
        name: 'web-0',
        serviceAccount: 'default',
        priorityClass: null,
        isHostNetwork: false,
        labels: { app: 'web', tier: 'front' },
        annotations: {},
        owners: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', uid: 'rs-uid' },
          { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: null },
        ],
        ...pod,
      },
    },
  })
