/** What the API server writes to its audit log and sends to its audit webhook. */
import { kubeconfig } from './pki.ts'

/** Files are read by the API server when it starts. */
export interface AuditWebhook {
  readonly url: string
  /** Of the webhook's own certificate. */
  readonly caFile?: string
  readonly tokenFile?: string
  readonly clientCertificateFile?: string
  readonly clientKeyFile?: string
}

export const auditWebhookKubeconfig = (webhook: AuditWebhook): string =>
  kubeconfig(
    {
      server: webhook.url,
      ...(webhook.caFile === undefined ? {} : { 'certificate-authority': webhook.caFile }),
    },
    {
      ...(webhook.tokenFile === undefined ? {} : { tokenFile: webhook.tokenFile }),
      ...(webhook.clientCertificateFile === undefined
        ? {}
        : { 'client-certificate': webhook.clientCertificateFile }),
      ...(webhook.clientKeyFile === undefined ? {} : { 'client-key': webhook.clientKeyFile }),
    },
  )

const own = ['apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy']

/** All requests but the control plane's own: changes with both bodies, and never a Secret's. */
export const auditPolicy = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: own.map((name) => `system:${name}`) },
    { level: 'None', userGroups: ['system:nodes'] },
    { level: 'None', nonResourceURLs: ['/readyz*', '/livez*', '/healthz*', '/openapi/*'] },
    {
      level: 'Metadata',
      resources: [
        { group: '', resources: ['secrets', 'serviceaccounts/token'] },
        { group: 'authentication.k8s.io' },
      ],
    },
    {
      level: 'RequestResponse',
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
    },
    { level: 'Metadata' },
  ],
})
