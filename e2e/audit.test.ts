/** A real API server's own webhook, over TLS with a token, into a detector of its own: without root, without BPF. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { Riposte } from '../cli/riposte.sample.ts'
import { needs } from '../scripts/needs.ts'
import { sharedData } from '../scripts/shared-data.ts'
import { must } from './cluster/command.ts'
import { type ControlPlane, startControlPlane } from './cluster/control-plane.ts'
import { eventually } from './support/eventually.ts'
import { share } from './support/shared.ts'

const test = needs('cluster')
const NOBODY = 65_534
const TOKEN = 'a-token-for-this-test-alone'
const ownRules = new URL('../rules/70-k8s-audit.yaml', import.meta.url).pathname
const stockRules = sharedData('falco-rules/k8s_audit_rules.yaml')

let cluster: ControlPlane
let directory: string

share(['cluster'], async (stack) => {
  directory = await mkdtemp(join(tmpdir(), 'e2e-audit-'))
  stack.defer(() => rm(directory, { recursive: true }))
  await chmod(directory, 0o755)
  cluster = stack.use(await startControlPlane())
})

const file = (name: string) => join(directory, name)

/** A certificate for the address, a token, and a falco.yaml that names both. */
async function configure(port: number): Promise<string> {
  await must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=riposte-audit', '-addext', `subjectAltName=IP:${cluster.hostAddress}`,
    '-keyout', file('tls.key'), '-out', file('tls.crt')]) // prettier-ignore
  await chmod(file('tls.key'), 0o644)
  await writeFile(file('token'), `${TOKEN}\n`)
  const config = {
    plugins: [
      {
        name: 'k8saudit',
        open_params: `https://${cluster.hostAddress}:${port}/k8s-audit`,
        init_config: { sslCertificate: file('tls.crt') },
      },
      { name: 'json' },
    ],
    load_plugins: ['k8saudit', 'json'],
    json_output: true,
    rule_matching: 'all',
    riposte: {
      data: file('data'),
      k8s_audit: { key_file: file('tls.key'), token_file: file('token') },
    },
  }
  await writeFile(file('falco.yaml'), JSON.stringify(config))
  return file('falco.yaml')
}

function detect(config: string): Riposte {
  const rules = [ownRules, ...(stockRules === undefined ? [] : [stockRules])]
  return new Riposte(
    [
      'detect',
      '-c',
      config,
      '--disable-source',
      'syscall',
      ...rules.flatMap((path) => ['-r', path]),
    ],
    { uid: NOBODY },
  )
}

const alertsOf = ({ stdout }: Riposte): { rule: string; source: string; output: string }[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))

const named = (rule: string, about: string) => (riposte: Riposte) =>
  alertsOf(riposte).filter((alert) => alert.rule === rule && alert.output.includes(about))

const pod = (name: string, isPrivileged: boolean) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: {
    containers: [
      { name: 'main', image: 'example/tool:1', securityContext: { privileged: isPrivileged } },
    ],
  },
})

test('what is asked of the API server becomes an alert, also what was asked while the detector was away', async () => {
  const port = 9765
  const config = await configure(port)
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
  {
    await using first = detect(config)
    await first.until(() => first.stderr.includes('ready'))
    await cluster.setAuditWebhook({
      url: `https://${cluster.hostAddress}:${port}/k8s-audit`,
      caFile: file('tls.crt'),
      tokenFile: file('token'),
    })
    await cluster.apply(pod('harmless', false), pod('powerful', true))
    const privileged = named('Privileged pod created', 'pod=default/powerful')
    await first.until(() => privileged(first).length > 0)
    expect(alertsOf(first)[0]).toMatchObject({ source: 'k8s_audit' })
    expect(named('Privileged pod created', 'harmless')(first)).toEqual([])
    const isStockRight =
      stockRules === undefined || named('Create Privileged Pod', 'powerful')(first).length === 1
    expect(isStockRight).toBe(true)
    await cluster.kubectl([
      'create',
      'clusterrolebinding',
      'all',
      '--clusterrole=cluster-admin',
      '--user=mallory',
    ])
    await first.until(() => named('Bound to cluster-admin', 'mallory')(first).length > 0)
  }
  await cluster.apply(pod('meanwhile', true))
  await eventually(
    () => readFile(cluster.auditLogPath, 'utf8'),
    (log) => log.includes('"name":"meanwhile"'),
  )
  await using second = detect(config)
  await second.until(
    () => named('Privileged pod created', 'pod=default/meanwhile')(second).length > 0,
  )
  expect(named('Privileged pod created', 'powerful')(second)).toEqual([])
})

test('without the token the API server is refused and nothing is judged', async () => {
  const config = await configure(9766)
  await using riposte = detect(config)
  await riposte.until(() => riposte.stderr.includes('ready'))
  await writeFile(join(directory, 'wrong-token'), 'another\n')
  await cluster.setAuditWebhook({
    url: `https://${cluster.hostAddress}:9766/k8s-audit`,
    caFile: join(directory, 'tls.crt'),
    tokenFile: join(directory, 'wrong-token'),
  })
  await cluster.apply(pod('unseen', true))
  const failed = /apiserver_audit_error_total\{plugin="webhook"\} [1-9]/
  await eventually(
    () => cluster.kubectl(['get', '--raw', '/metrics']),
    (metrics) => failed.test(metrics),
    60_000,
  )
  expect(alertsOf(riposte)).toEqual([])
})
