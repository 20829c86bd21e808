/** What the chart's second form wants of a cluster: volumes, secrets, the kinds of other operators; and its values. */
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from '../cluster/command.ts'
import type { AuditWebhook } from '../cluster/audit.ts'
import type { Cluster } from '../cluster/cluster.ts'

const operator = 'github.com/prometheus-operator/prometheus-operator@v0.85.0'
const namespace = 'riposte'

/** The real definitions, from the module that they are published in. */
export async function installMonitoringKinds({ apply }: Pick<Cluster, 'apply'>): Promise<void> {
  const downloaded = await must('go', ['mod', 'download', '-json', operator], { cwd: '/' })
  const { Dir } = JSON.parse(downloaded) as { Dir: string }
  for (const kind of ['servicemonitors', 'prometheusrules']) {
    const file = join(Dir, 'example/prometheus-operator-crd', `monitoring.coreos.com_${kind}.yaml`)
    await apply(await readFile(file, 'utf8'))
  }
}

const volume = (name: string, accessMode: string, source: object) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: [accessMode],
    storageClassName: name,
    persistentVolumeReclaimPolicy: 'Retain',
    ...source,
  },
})

/** One for evidence that every pod reaches, as a file server would give it, and one on the first node for Redis. */
export async function makeVolumes({ apply, folder, nodes }: Cluster): Promise<void> {
  const shared = join(folder, 'shared')
  await mkdir(shared)
  await chown(shared, 65_532, 65_532)
  const [first] = nodes
  await mkdir(join(first.folder, 'var/lib/redis-volume'))
  const onFirst = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [first.name] }]
  await apply(
    volume('shared', 'ReadWriteMany', { hostPath: { path: shared, type: 'Directory' } }),
    volume('redis', 'ReadWriteOnce', {
      local: { path: '/var/lib/redis-volume' },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: onFirst }] } },
    }),
  )
}

const secret = (name: string, stringData: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  stringData,
})

/** Returns what the API server is to be told. */
export async function makeSecrets(
  { apply, folder }: Cluster,
  { ledger, apiToken, auditAddress }: Record<'ledger' | 'apiToken' | 'auditAddress', string>,
): Promise<AuditWebhook> {
  const [key, certificate, tokenFile] = ['audit.key', 'audit.crt', 'audit.token'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  await must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=riposte-audit', '-addext', `subjectAltName=IP:${auditAddress}`, '-keyout', key, '-out', certificate]) // prettier-ignore
  const token = randomBytes(24).toString('hex')
  await writeFile(tokenFile, token)
  await apply(
    secret('riposte-ledger', { url: ledger }),
    secret('riposte-api', { token: apiToken }),
    secret('riposte-audit-token', { token }),
    secret('riposte-audit-tls', {
      'tls.crt': await readFile(certificate, 'utf8'),
      'tls.key': await readFile(key, 'utf8'),
    }),
  )
  return { url: `https://${auditAddress}:9765/k8s-audit`, caFile: certificate, tokenFile }
}

const policies = `
apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: mark-and-keep }
spec:
  mode: enforce
  match:
    rules: { names: [Crypto miner started] }
    workloads: { namespaces: [shop] }
  correlate: { by: [pod], window: 1h, cooldown: 1h }
  ladder:
    - name: answer
      do:
        - label_pod: { labels: { state: quarantined } }
        - capture_pod: { packets: { seconds: 3 } }
---
apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: no-new-admins }
spec:
  mode: enforce
  match: { rules: { names: [Bound to cluster-admin], source: k8s_audit } }
  ladder:
    - name: take_back
      do: [{ delete_resource: { kinds: [ClusterRoleBinding] } }]
      approve: { quorum: 1, notAllowed: [event.subject] }
`

export const scaledValues = (
  { hostAddress }: Cluster,
  { port, auditAddress }: { readonly port: number; readonly auditAddress: string },
) => ({
  actions: {
    enabled: ['notify', 'label_pod', 'capture_pod', 'delete_resource', 'kill_process'],
    // For the ClusterRoleBinding that is taken back.
    variants: ['rbac-kinds'],
  },
  policies: { custom: { '60-scaled.yaml': policies }, resources: { keep: false } },
  responder: {
    replicas: 2,
    apiToken: { existingSecret: 'riposte-api' },
    persistence: {
      enabled: true,
      storageClass: 'shared',
      accessModes: ['ReadWriteMany'],
      size: '1Gi',
    },
  },
  postgresql: { existingSecret: 'riposte-ledger' },
  redis: { persistence: { enabled: true, storageClass: 'redis', size: '1Gi' } },
  networkPolicy: {
    responderEgress: [{ to: [{ ipBlock: { cidr: `${hostAddress}/32` } }], ports: [{ port }] }],
  },
  audit: {
    enabled: true,
    clusterIP: auditAddress,
    tls: { existingSecret: 'riposte-audit-tls' },
    token: { existingSecret: 'riposte-audit-token' },
  },
  ingress: { enabled: true, host: 'riposte.example.com', tlsSecret: 'riposte-ui' },
  serviceMonitor: { enabled: true },
  prometheusRules: { enabled: true },
  grafana: { dashboards: { enabled: true } },
})
