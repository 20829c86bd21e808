/** The responder's configuration: flags over environment over file over defaults. Secrets are named by file only. */
import { join } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import type { Problem } from '../contract/problem.ts'
import { actions } from './actions/index.ts'
import { evidenceSchema } from './evidence/config.ts'
import type { Retention } from './ledger/retention.ts'
import { addressRulesSchema } from './notifiers/address-rules.ts'
import { notifiersSchema } from './notifiers/index.ts'
import { issueProblems, syntaxProblem } from './policy/documents.ts'
import { placesOf, problemAt } from './policy/places.ts'
import { strict, word } from './policy/strict.ts'

const path = z.string().min(1)

const listen = z
  .string()
  .regex(/^(\[[\da-fA-F:]+\]|[^:\s]+):\d{1,5}$/, {
    error: 'must be HOST:PORT such as 127.0.0.1:2810',
    abort: true,
  })
  .transform((text) => {
    const colon = text.lastIndexOf(':')
    const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
    return { host, port: Number(text.slice(colon + 1)) }
  })
  .refine(({ port }) => port <= 65_535, { error: 'the port must be at most 65535' })

/** Without user and password: a URL that carries a secret belongs into a file. */
const openUrl = z
  .url({ error: 'must be a URL', abort: true })
  .refine((text) => new URL(text).password === '', {
    error: 'must not carry a password; name a file with the whole URL instead',
  })

/** `namespace/name` of a Kubernetes object. */
const namespaced = z.string().regex(/^[a-z0-9-]+\/[a-z0-9.-]+$/, {
  error: 'must be NAMESPACE/NAME such as riposte/riposte-detector',
})

const nodesSchema = strict({
  trust: word('trust', ['token', 'tokenreview'])
    .default('token')
    .describe('token: the secret of nodeTokenFile · tokenreview: their service account tokens'),
  audience: z.string().min(1).default('riposte').describe('of the projected tokens'),
  serviceAccounts: z.array(namespaced).default([]).describe('of the detectors'),
  auditServiceAccounts: z
    .array(namespaced)
    .default([])
    .describe('of detectors that take audit events of the API server, and nothing else'),
  clientCaFile: path
    .nullable()
    .default(null)
    .describe('trust token: nodes need a client certificate of this CA with their name in it'),
}).superRefine(({ trust, serviceAccounts, auditServiceAccounts, clientCaFile }, context) => {
  const isByReview = trust === 'tokenreview'
  if (isByReview && serviceAccounts.length + auditServiceAccounts.length === 0)
    context.addIssue({
      code: 'custom',
      path: ['trust'],
      message: 'tokenreview needs nodes.serviceAccounts, or no node is believed',
    })
  if (isByReview && clientCaFile !== null)
    context.addIssue({
      code: 'custom',
      path: ['clientCaFile'],
      message: 'is for trust token: tokens of tokenreview name their node already',
    })
})

const tlsSchema = strict({
  mode: word('mode', ['none', 'own', 'files'])
    .default('none')
    .describe('own: a CA in the data directory · files: yours, read again when they change'),
  certificateFile: path.nullable().default(null).describe('mode files: PEM'),
  keyFile: path.nullable().default(null).describe('mode files: PEM'),
  names: z
    .array(z.string().regex(/^[\w.:-]{1,253}$/, { error: 'must be a host name or an IP address' }))
    .default([])
    .describe('names and addresses by which it is reached, beside where it listens'),
  caConfigMap: namespaced
    .nullable()
    .default(null)
    .describe('mode own: where detectors find its CA certificate'),
}).superRefine(({ mode, certificateFile, keyFile, caConfigMap }, context) => {
  const needs = (key: string, message: string) => {
    context.addIssue({ code: 'custom', path: [key], message })
  }
  if (mode === 'files' && (certificateFile === null || keyFile === null))
    needs('mode', 'files needs tls.certificateFile and tls.keyFile')
  if (mode !== 'own' && caConfigMap !== null) needs('caConfigMap', 'is for mode own')
})

export const responderSchema = strict({
  data: path.describe(
    "ledger, own Redis, socket, tokens and the kill switch's file live here; by itself /var/lib/riposte",
  ),
  listen: listen.prefault('127.0.0.1:2810').describe('of the web UI, the API and the nodes'),
  publicUrl: openUrl.nullable().default(null).describe('where people reach it, behind a proxy'),
  policies: path.describe('directory of policy files; by itself those that Riposte comes with'),
  redisUrl: openUrl
    .nullable()
    .default(null)
    .describe('null: its own redis-server in the data directory'),
  redisUrlFile: path
    .nullable()
    .default(null)
    .describe('file with the whole URL, where it has a password'),
  ledgerUrlFile: path
    .nullable()
    .default(null)
    .describe('file with a postgres:// URL; null: SQLite in the data directory'),
  nodeTokenFile: path
    .nullable()
    .default(null)
    .describe('null: node-token in the data directory, made at the first start'),
  nodes: nodesSchema.prefault({}),
  tls: tlsSchema.prefault({}),
  apiTokenFile: path.nullable().default(null).describe('bearer token for scripts that come by TCP'),
  groups: z
    .record(z.string().regex(/^[\w.-]{1,64}$/), z.array(z.string().min(1)))
    .default({})
    .describe('who belongs to a group that policies let approve, by the names that votes carry'),
  actions: strict({
    enabled: z
      .array(
        word(
          'action',
          actions.map(({ name }) => name),
        ),
      )
      .nullable()
      .default(null)
      .describe('what may be carried out here, whatever policies ask; null: every action'),
  }).prefault({}),
  policyResources: z
    .boolean()
    .default(false)
    .describe('also take policies from the API server: kinds ResponsePolicy and its like'),
  kubernetes: strict({
    enabled: word('choice', ['auto', 'always', 'never'])
      .default('auto')
      .describe('auto: in a pod, or where a kubeconfig is named'),
    kubeconfig: path.nullable().default(null).describe("null: the pod's service account"),
    namespace: z.string().min(1).nullable().default(null).describe("null: the pod's own"),
    namespaces: z
      .array(z.string().min(1))
      .default([])
      .describe('where its Roles hold; empty: it has ClusterRoles'),
    accounts: namespaced
      .nullable()
      .default(null)
      .describe(
        'service accounts that steps act as, without the risk class at their ends (riposte/riposte for riposte/riposte-contain and so on); null: its own',
      ),
    labels: z
      .record(z.string(), z.string())
      .default({ 'app.kubernetes.io/part-of': 'riposte' })
      .describe("of Riposte's own pods there: spared by drains, reachable from isolated pods"),
    qps: z.number().min(1).max(10_000).default(400).describe('calls a second, at most'),
    burst: z.int().min(1).max(20_000).default(800).describe('calls at once, at most'),
  }).prefault({}),
  evidence: evidenceSchema.prefault({}),
  notifiers: notifiersSchema
    .default({})
    .describe('by the names that policies use; log is always there'),
  outbound: strict({
    timeoutMs: z
      .int()
      .min(100)
      .max(120_000)
      .default(10_000)
      .describe('of one message to one notifier'),
    rules: addressRulesSchema.prefault({}),
  }).prefault({}),
  retention: strict({
    days: z.int().min(1).max(3650).default(30).describe('alerts and cases older than this go'),
    alerts: z.int().min(1000).default(200_000).describe('beyond so many, the oldest go earlier'),
    cases: z.int().min(1000).default(50_000).describe('the same; never what is live'),
    auditRecords: z
      .int()
      .min(2000)
      .default(200_000)
      .describe('records of the audit that stay unpacked; older ones become segments'),
    auditArchiveMiB: z
      .int()
      .min(1)
      .default(256)
      .describe('size of all segments; beyond it the oldest are dropped, and the chain says so'),
  }).prefault({}),
  logLevel: word('level', ['debug', 'info', 'warn', 'error', 'silent']).default('info'),
}).superRefine(({ nodes, tls }, context) => {
  if (nodes.clientCaFile !== null && tls.mode === 'none')
    context.addIssue({
      code: 'custom',
      path: ['nodes', 'clientCaFile'],
      message: 'needs TLS: set tls.mode to own or files',
    })
})

export type ResponderConfig = z.infer<typeof responderSchema>

export interface ConfigSources {
  /** Only what was given. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: NodeJS.ProcessEnv
  readonly file: { readonly name: string; readonly text: string } | null
  readonly defaults: { readonly data: string; readonly policies: string }
}

export type ReadConfig =
  | { readonly config: ResponderConfig; readonly problems: readonly [] }
  | { readonly config: null; readonly problems: readonly Problem[] }

export function readConfig({ flags, environment, file, defaults }: ConfigSources): ReadConfig {
  const lines = new LineCounter()
  const document = parseDocument(file?.text ?? '', { lineCounter: lines, prettyErrors: false })
  const name = file?.name ?? 'configuration'
  if (document.errors.length > 0)
    return {
      config: null,
      problems: document.errors.map((error) => syntaxProblem(name, error, lines)),
    }
  const written: unknown = document.toJS({ maxAliasCount: 100 }) ?? {}
  const places = placesOf(document, lines)
  if (typeof written !== 'object' || Array.isArray(written))
    return {
      config: null,
      problems: [problemAt(name, places.value([]), 'invalid', 'must be a map')],
    }
  const given = { ...defaults, ...written, ...fromEnvironment(environment), ...flags }
  const result = responderSchema.safeParse(given)
  if (result.success) return { config: result.data, problems: [] }
  const problems = result.error.issues.flatMap((issue) => issueProblems(name, issue, given, places))
  return { config: null, problems: problems.toSorted((a, b) => a.line - b.line) }
}

/** `publicUrl` is RIPOSTE_PUBLIC_URL; REDIS_URL is what everybody calls it. */
function fromEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const found: Record<string, string> = {}
  for (const key of Object.keys(responderSchema.shape)) {
    const variable = `RIPOSTE_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
    const value =
      environment[variable] ?? (key === 'redisUrl' ? environment['REDIS_URL'] : undefined)
    if (value !== undefined && value !== '') found[key] = value
  }
  return found
}

export const socketPathOf = ({ data }: ResponderConfig) => join(data, 'api.sock')

export const nodeTokenFileOf = ({ data, nodeTokenFile }: ResponderConfig) =>
  nodeTokenFile ?? join(data, 'node-token')

export const retentionOf = ({ retention }: ResponderConfig): Retention => ({
  keepMs: retention.days * 86_400_000,
  alerts: retention.alerts,
  cases: retention.cases,
  auditRecords: retention.auditRecords,
  archiveBytes: retention.auditArchiveMiB * 2 ** 20,
})
