/** From falco.yaml's plugins and our own keys to the door through which audit events come in. */
import { z } from 'zod'
import { unknownName } from '../../contract/problem.ts'

const text = z.string()
const file = text.default('')

/** As Falco has it: other plugins' settings are theirs, so an entry may hold anything. */
export const pluginSchema = z.looseObject({
  name: text,
  library_path: text.optional(),
  init_config: z.unknown().optional(),
  open_params: z.union([text, z.null()]).optional(),
})
export type PluginEntry = z.infer<typeof pluginSchema>

/** What Falco's k8saudit plugin takes; more in it is ignored, as there. */
const initSchema = z.object({
  sslCertificate: text.default('/etc/falco/falco.pem'),
  maxEventSize: z.int().min(1024).default(262_144),
  webhookMaxBatchSize: z
    .int()
    .min(1024)
    .default(12 * 1024 * 1024),
})

export const auditSchema = z.strictObject({
  follow: z
    .boolean()
    .default(false)
    .describe('go on with a log file that grows and is rotated, instead of ending at its end'),
  token_file: file.describe('bearer tokens that may post, one a line; read for each request'),
  client_ca_file: file.describe(
    'certificates that may post are signed by one of these authorities (PEM)',
  ),
  client_names: z
    .array(text)
    .default([])
    .describe('of those, only the ones with such a common name; empty: any'),
  key_file: file.describe("the certificate's key, where sslCertificate does not hold it too"),
  allow_unauthenticated: z
    .boolean()
    .default(false)
    .describe(
      'lets anybody who reaches the port post; needed unless it is on loopback or one of the above is set',
    ),
  max_concurrent: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('requests; more are told to come again'),
  request_timeout_ms: z.int().min(100).default(10_000).describe('for a whole request'),
})

export interface WebhookDoor {
  readonly kind: 'webhook'
  readonly isTls: boolean
  /** Empty: every address. */
  readonly host: string
  readonly port: number
  readonly path: string
  readonly certificateFile: string
  readonly keyFile: string
  readonly tokenFile: string
  readonly clientCaFile: string
  readonly clientNames: readonly string[]
  readonly maxBodyBytes: number
  readonly maxConcurrent: number
  readonly requestTimeoutMs: number
}

export interface FileDoor {
  readonly kind: 'file'
  readonly path: string
  readonly isFollowed: boolean
}

export type AuditDoor = (WebhookDoor | FileDoor) & { readonly maxEventBytes: number }

/** A mistake and the key that it is at. */
export interface SettingProblem {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

export const sourceNames = ['syscall', 'k8s_audit'] as const
export type SourceName = (typeof sourceNames)[number]

export interface SourceKeys {
  readonly plugins: readonly PluginEntry[]
  /** Undefined: all of them, as in Falco. */
  readonly load_plugins: readonly string[] | undefined
  readonly riposte: {
    readonly enable_sources: readonly string[]
    readonly disable_sources: readonly string[]
    readonly k8s_audit: z.infer<typeof auditSchema>
  }
}

export interface SourceChoice {
  readonly source: SourceName
  /** Where audit events come in; undefined exactly when the source is not k8s_audit. */
  readonly audit: AuditDoor | undefined
}

/** A detector has one source. Kubernetes audit is judged by one that has no rights on any node (docs/decisions). */
export function chooseSource(keys: SourceKeys): SourceChoice | readonly SettingProblem[] {
  const index = keys.plugins.findIndex(({ name }) => name === 'k8saudit')
  const plugin = keys.plugins[index]
  const isLoaded = plugin !== undefined && (keys.load_plugins?.includes('k8saudit') ?? true)
  const chosen = chosenNames(keys, isLoaded)
  if (!Array.isArray(chosen)) return [chosen]
  if (chosen.length !== 1) return [notOne(chosen)]
  if (!chosen.includes('k8s_audit')) return { source: 'syscall', audit: undefined }
  if (!isLoaded)
    return [
      {
        path: ['plugins'],
        message: 'source k8s_audit needs an entry k8saudit in plugins (and in load_plugins)',
      },
    ]
  const door = doorOf(plugin, index, keys.riposte.k8s_audit)
  return Array.isArray(door) ? door : { source: 'k8s_audit', audit: door }
}

const at = (key: string, message: string): SettingProblem => ({ path: ['riposte', key], message })

function chosenNames({ riposte }: SourceKeys, hasAudit: boolean): SourceName[] | SettingProblem {
  const { enable_sources: enabled, disable_sources: disabled } = riposte
  if (enabled.length > 0 && disabled.length > 0)
    return at('enable_sources', 'enable sources or disable some, not both')
  const unknown = [...enabled, ...disabled].find((name) => !isSource(name))
  if (unknown !== undefined)
    return at(
      enabled.includes(unknown) ? 'enable_sources' : 'disable_sources',
      unknownName('event source', unknown, sourceNames),
    )
  const there = sourceNames.filter((name) => name === 'syscall' || hasAudit)
  if (enabled.length > 0) return sourceNames.filter((name) => enabled.includes(name))
  return there.filter((name) => !disabled.includes(name))
}

const isSource = (name: string) => sourceNames.some((known) => known === name)

const notOne = (chosen: readonly SourceName[]): SettingProblem => ({
  path: ['riposte', 'disable_sources'],
  message:
    chosen.length === 0
      ? 'no event source is left: enable syscall or k8s_audit'
      : 'Kubernetes audit is judged in a process of its own: start one with --disable-source syscall, and this one with --disable-source k8s_audit',
})

function doorOf(
  plugin: PluginEntry,
  index: number,
  ours: z.infer<typeof auditSchema>,
): AuditDoor | SettingProblem[] {
  const init = initSchema.safeParse(initConfig(plugin.init_config))
  if (!init.success)
    return init.error.issues.map((issue) => ({
      path: ['plugins', index, 'init_config', ...issue.path],
      message: `k8saudit's init_config: ${[...issue.path, issue.message].join(': ')}`,
    }))
  const { maxEventSize: maxEventBytes, webhookMaxBatchSize, sslCertificate } = init.data
  const open = plugin.open_params?.trim() ?? ''
  const problem = (message: string, key = ['plugins', index, 'open_params']) => [
    { path: key, message },
  ]
  if (open === '')
    return problem('open_params is empty: give https://:9765/k8s-audit, or a file of audit events')
  const [, scheme, rest = open] = /^(\w+):\/\/(.*)$/s.exec(open) ?? []
  if (scheme === undefined || scheme === 'file')
    return { kind: 'file', path: rest, isFollowed: ours.follow || scheme === 'file', maxEventBytes }
  const [, host = '', port = '', path = '/'] =
    /^(\[[0-9a-fA-F:]+\]|[^:/[\]]*):(\d{1,5})(\/[^?#]*)?$/.exec(rest) ?? []
  if ((scheme !== 'http' && scheme !== 'https') || port === '' || Number(port) > 65_535)
    return problem(`${open}: expected http://host:port/path, https://host:port/path or a file`)
  const isTls = scheme === 'https'
  const isGuarded = ours.token_file !== '' || ours.client_ca_file !== ''
  if (!isTls && ours.client_ca_file !== '')
    return problem('client certificates need https', ['riposte', 'k8s_audit', 'client_ca_file'])
  if (!isGuarded && !isLoopback(host) && !ours.allow_unauthenticated)
    return problem(
      `${open}: anybody could post events; set riposte.k8s_audit.token_file or client_ca_file, or say riposte.k8s_audit.allow_unauthenticated: true`,
    )
  return {
    kind: 'webhook',
    isTls,
    host: host.replaceAll(/[[\]]/g, ''),
    port: Number(port),
    path,
    certificateFile: sslCertificate,
    keyFile: ours.key_file === '' ? sslCertificate : ours.key_file,
    tokenFile: ours.token_file,
    clientCaFile: ours.client_ca_file,
    clientNames: ours.client_names,
    maxBodyBytes: webhookMaxBatchSize,
    maxConcurrent: ours.max_concurrent,
    requestTimeoutMs: ours.request_timeout_ms,
    maxEventBytes,
  }
}

const isLoopback = (host: string) =>
  host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)

/** A mapping, or JSON in a string, or nothing. */
function initConfig(value: unknown): unknown {
  if (value === null || value === undefined || value === '') return {}
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch (error) {
    if (error instanceof SyntaxError) return value
    throw error
  }
}
