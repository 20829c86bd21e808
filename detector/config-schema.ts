/** The keys of the detector's configuration: those of falco.yaml that matter now, and ours under `riposte:`. */
import { z } from 'zod'
import { auditSchema, pluginSchema } from './audit/settings.ts'
import { defaultSockets } from './containers/sockets.ts'

const text = z.string()
const bytes = z.int().min(64 * 1024)

const appendOutputSchema = z.strictObject({
  match: z
    .strictObject({ source: text, rule: text, tags: z.array(text) })
    .partial()
    .prefault({}),
  extra_output: text.optional(),
  extra_fields: z.array(z.union([text, z.record(text, text)])).default([]),
  suggested_output: z.boolean().default(false),
})

const toggleSchema = z.strictObject({ rule: text, tag: text }).partial()

/** As Falco's container plugin takes it; what is not named has its default sockets. */
const engine = (sockets: readonly string[]) =>
  z
    .strictObject({
      enabled: z.boolean().default(true),
      sockets: z.array(text.regex(/^\//, 'an absolute path')).default([...sockets]),
    })
    .prefault({})
const named = z.strictObject({ enabled: z.boolean().default(true) }).prefault({})

/** Falco's names, defaults and meaning (falco-compat 5.2). */
export const falcoSchema = z.strictObject({
  config_files: z.array(z.unknown()).optional(),
  watch_config_files: z.boolean().default(true),
  rules_file: z.union([text, z.array(text)]).optional(),
  rules_files: z.union([text, z.array(text)]).optional(),
  rules: z
    .array(z.strictObject({ enable: toggleSchema, disable: toggleSchema }).partial())
    .default([]),
  json_output: z.boolean().default(false),
  json_include_output_property: z.boolean().default(true),
  json_include_message_property: z.boolean().default(false),
  json_include_output_fields_property: z.boolean().default(true),
  json_include_tags_property: z.boolean().default(true),
  time_format_iso_8601: z.boolean().default(false),
  buffer_format_base64: z.boolean().default(false),
  buffered_outputs: z.boolean().default(false),
  priority: text.default('debug'),
  rule_matching: z.enum(['first', 'all']).default('first'),
  outputs_queue: z.strictObject({ capacity: z.int().min(0).default(0) }).prefault({}),
  /** As in the falco.yaml that Falco ships. */
  append_output: z.array(appendOutputSchema).prefault([{ suggested_output: true }]),
  container_engines: z
    .strictObject({
      cri: engine(defaultSockets.cri),
      containerd: engine(defaultSockets.containerd),
      docker: engine(defaultSockets.docker),
      podman: engine(defaultSockets.podman),
      /** Their name stands in the cgroup, nobody is asked. */
      lxc: named,
      libvirt_lxc: named,
      bpm: named,
    })
    .prefault({}),
  static_fields: z.record(text, z.coerce.string()).default({}),
  stdout_output: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  syslog_output: z.strictObject({ enabled: z.boolean().default(false) }).prefault({}),
  file_output: z
    .strictObject({
      enabled: z.boolean().default(false),
      keep_alive: z.boolean().default(false),
      filename: text.default('./events.txt'),
    })
    .prefault({}),
  http_output: z
    .strictObject({
      enabled: z.boolean().default(false),
      url: text.default(''),
      user_agent: text.default('falcosecurity/falco'),
      insecure: z.boolean().default(false),
      ca_cert: text.default(''),
      ca_bundle: text.default(''),
      ca_path: text.default(''),
      mtls: z.boolean().default(false),
      client_cert: text.default('/etc/ssl/certs/client.crt'),
      client_key: text.default('/etc/ssl/certs/client.key'),
      echo: z.boolean().default(false),
      compress_uploads: z.boolean().default(false),
      keep_alive: z.boolean().default(false),
      max_consecutive_timeouts: z.int().default(5),
    })
    .prefault({}),
  /** Of Falco's plugins, k8saudit and json are built in; settings of others have no effect. */
  plugins: z.array(pluginSchema).default([]),
  load_plugins: z.array(text).optional(),
  program_output: z
    .strictObject({
      enabled: z.boolean().default(false),
      keep_alive: z.boolean().default(false),
      program: text.default(''),
    })
    .prefault({}),
})

export const riposteSchema = z.strictObject({
  data: text.default('/var/lib/riposte').describe('spools, quarantine, captured evidence'),
  scope: text
    .regex(/^(auto|host|\/.*)$/, 'auto, host, or the path of a cgroup')
    .default('auto')
    .describe(
      "what this detector speaks for: its node's cgroups (found by itself), the whole machine, or a path in the tree",
    ),
  cgroup_root: text
    .regex(/^\//, 'an absolute path')
    .default('/sys/fs/cgroup')
    .describe("where the host's cgroup trees are mounted"),
  node: text
    .regex(/^[\w.-]{1,253}$/, 'letters, digits, _ . and - only')
    .optional()
    .describe('the name that alerts carry'),
  responder: z
    .strictObject({
      url: text.default('').describe('https://host:port or unix:/path; empty: no responder'),
      token_file: text
        .default('')
        .describe("the responder's node-token, or a projected service account token"),
      ca_file: text.optional().describe("PEM; without it the system's authorities hold"),
      ca_config_map: text
        .regex(/^$|^[a-z0-9-]+\/[a-z0-9.-]+$/, 'namespace/name')
        .default('')
        .describe(
          "in a pod: where the responder publishes its CA certificates. Empty: ca_file, or the system's",
        ),
      certificate_file: text.optional().describe("client certificate with this node's name (PEM)"),
      key_file: text.optional().describe('its key (PEM)'),
    })
    .prefault({}),
  spool: z
    .strictObject({
      max_bytes: bytes
        .default(64 * 1024 * 1024)
        .describe(
          'of alerts that wait for the responder; beyond it the oldest are lost and counted',
        ),
      sync_ms: z
        .int()
        .min(0)
        .max(60_000)
        .default(100)
        .describe('what a power cut can take; 0 syncs each write'),
    })
    .prefault({}),
  identity: z
    .strictObject({
      hold_ms: z
        .int()
        .min(0)
        .max(10_000)
        .default(250)
        .describe('so long an alert waits at most for the name of its container'),
      hold_bytes: bytes.default(16 * 1024 * 1024).describe('so much of records waits at most'),
    })
    .prefault({}),
  kubernetes: z
    .strictObject({
      enabled: z
        .enum(['auto', 'always', 'never'])
        .default('auto')
        .describe('auto: in a pod with a service account, or where a kubeconfig is named'),
      kubeconfig: text.default('').describe("a file; empty: the pod's service account"),
    })
    .prefault({}),
  syslog: z
    .strictObject({
      target: text
        .regex(/^(local:\/|udp:\/\/.|tcp:\/\/.)/)
        .default('local:/dev/log')
        .describe('local:/dev/log, udp://host:514 or tcp://host:601'),
    })
    .prefault({}),
  status_socket: text.default('').describe('unix socket for /metrics and /healthz; empty: none'),
  ready_file: text
    .default('')
    .describe('touched each second while we are ready, for a probe; empty: none'),
  enable_sources: z
    .array(text)
    .default([])
    .describe("as Falco's --enable-source and --disable-source"),
  disable_sources: z.array(text).default([]).describe('the same'),
  k8s_audit: auditSchema.prefault({}),
  program_timeout_ms: z
    .int()
    .min(100)
    .default(30_000)
    .describe('so long a program of program_output may take'),
  stderr_output: z
    .strictObject({ enabled: z.boolean().default(false).describe('alerts go to stderr as well') })
    .prefault({}),
  protected_programs: z
    .array(text.regex(/^\//, 'an absolute path'))
    .default([])
    .describe('further executables (or directories, with a trailing /) that no action touches'),
  programs: z
    .array(text.regex(/^\//, 'an absolute path'))
    .default([])
    .describe('absolute paths that the run_program action may start'),
})

export const detectorSchema = z.strictObject({
  ...falcoSchema.shape,
  riposte: riposteSchema.prefault({}),
})

/** Falco's keys that say nothing to this detector; they are accepted so that a falco.yaml can stay as it is. */
export const withoutEffect: ReadonlySet<string> = new Set([
  'engine', 'capture', 'plugins_hostinfo', 'webserver', 'grpc', 'grpc_output',
  'log_stderr', 'log_syslog', 'log_level', 'libs_logger', 'output_timeout', 'syscall_event_timeouts',
  'syscall_event_drops', 'metrics', 'base_syscalls', 'falco_libs',
]) // prettier-ignore
