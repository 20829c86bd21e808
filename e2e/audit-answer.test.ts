/** From a request to the API server, by its own webhook, to the answer on the object it made, and on no other. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { Riposte } from '../cli/riposte.sample.ts'
import { readSecret } from '../responder/http/secret-file.ts'
import { startSample, until, type Sample } from '../responder/start.sample.ts'
import { needs } from '../scripts/needs.ts'
import { must } from './cluster/command.ts'
import { startControlPlane, type ControlPlane } from './cluster/control-plane.ts'
import { share } from './support/shared.ts'

const test = needs('cluster', 'redis', 'openssl')
const port = 9767
const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'
const rules = new URL('../rules/70-k8s-audit.yaml', import.meta.url).pathname
const policy = `
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

let cluster: ControlPlane
let sample: Sample
let directory: string
const file = (name: string) => join(directory, name)

share(['cluster', 'redis', 'openssl'], async (stack) => {
  directory = await mkdtemp(join(tmpdir(), 'e2e-answer-'))
  stack.defer(() => rm(directory, { recursive: true }))
  cluster = stack.use(await startControlPlane())
  sample = await startSample(
    { 'no-new-admins.yaml': policy },
    { kubernetes: { enabled: 'always', kubeconfig: cluster.kubeconfig.path } },
  )
  stack.use(sample)
})

/** A detector of audit events alone, which sends what it finds to the responder. */
async function detect(): Promise<Riposte> {
  await must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=riposte-audit', '-addext', `subjectAltName=IP:${cluster.hostAddress}`,
    '-keyout', file('tls.key'), '-out', file('tls.crt')]) // prettier-ignore
  await mkdir(file('data'))
  await writeFile(file('token'), 'a-token-for-this-test-alone\n', { mode: 0o600 })
  await writeFile(file('node-token'), readSecret(sample.responder.nodeTokenFile), { mode: 0o600 })
  await chmod(file('tls.key'), 0o600)
  const config = {
    plugins: [
      {
        name: 'k8saudit',
        open_params: `https://${cluster.hostAddress}:${port}/k8s-audit`,
        init_config: { sslCertificate: file('tls.crt') },
      },
    ],
    riposte: {
      data: file('data'),
      node: 'audit-0',
      responder: { url: sample.responder.url, token_file: file('node-token') },
      k8s_audit: { key_file: file('tls.key'), token_file: file('token') },
    },
  }
  await writeFile(file('falco.yaml'), JSON.stringify(config))
  const argv = ['detect', '-c', file('falco.yaml'), '--disable-source', 'syscall', '-r', rules]
  const riposte = new Riposte(argv)
  await riposte.until(() => riposte.stderr.includes('ready'))
  return riposte
}

const bind = (name: string, role: string, user: string) =>
  cluster.kubectl([
    'create', 'clusterrolebinding', name, `--clusterrole=${role}`, `--user=${user}`,
    '--as=trent', '--as-group=system:masters',
  ]) // prettier-ignore

interface Pending {
  readonly id: string
  readonly stepId: string
  readonly targetName: string
}

test('who is bound to cluster-admin is unbound again, once a person agrees, and nobody else is', async () => {
  await using detector = await detect()
  await cluster.setAuditWebhook({
    url: `https://${cluster.hostAddress}:${port}/k8s-audit`,
    caFile: file('tls.crt'),
    tokenFile: file('token'),
  })
  await bind('harmless', 'view', 'alice')
  await bind('taken', 'cluster-admin', 'mallory')
  await bind('undecided', 'cluster-admin', 'bob')

  const pending = await until<Pending[]>(async () => {
    const { approvals } = (await sample.call('GET', '/v1/approvals')).body
    return approvals.length === 2 ? approvals : undefined
  })
  expect(pending.map(({ targetName }) => targetName).toSorted()).toEqual([
    'clusterrolebindings taken',
    'clusterrolebindings undecided',
  ])
  expect(await cluster.api.find(`${bindings}/taken`)).toBeDefined()

  const asked = pending.find(({ targetName }) => targetName.endsWith(' taken'))
  const votes = `/v1/approvals/${asked?.id}/votes`
  const vote = await sample.call('POST', votes, { choice: 'approve', reason: 'nobody asked for it' }) // prettier-ignore
  expect(vote.status).toBe(200)
  const step = await until(async () => {
    const { body } = await sample.call('GET', `/v1/steps/${asked?.stepId}`)
    return body.status === 'ended' ? body : undefined
  })

  expect(step.outcome).toMatchObject({ status: 'done' })
  expect(await cluster.api.find(`${bindings}/taken`)).toBeUndefined()
  for (const other of ['undecided', 'harmless'])
    expect(await cluster.api.find(`${bindings}/${other}`)).toBeDefined()
  const { alerts } = (await sample.call('GET', '/v1/alerts')).body
  const alert = alerts.find((one: (typeof alerts)[number]) => one.object?.name === 'taken')
  expect(alert).toMatchObject({
    source: 'k8s_audit',
    node: 'audit-0',
    request: { verb: 'create', user: 'admin', impersonated: 'trent' },
    object: { resource: 'clusterrolebindings', name: 'taken' },
    decisions: expect.arrayContaining([
      expect.objectContaining({
        policy: 'no-new-admins',
        action: 'delete_resource',
        target: 'clusterrolebindings taken',
        summary: expect.stringContaining('deleted clusterrolebinding taken'),
      }),
    ]),
  })
  expect(detector.child.exitCode).toBeNull()
  const { votes: cast } = (await sample.call('GET', `/v1/approvals/${asked?.id}`)).body
  expect(cast).toMatchObject([{ choice: 'approve', reason: 'nobody asked for it' }])
})
