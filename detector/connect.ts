/** Opens what a detector speaks to: its outputs, its responder, its status socket. */
import type { Server } from 'node:http'
import type { Answer, Heartbeat, Verdict } from '../contract/verdict.ts'
import type { AppendOutput } from './alerts/append-output.ts'
import type { PrintOptions } from './alerts/printed.ts'
import type { DetectorConfig } from './config.ts'
import { FanOut } from './outputs/fan-out.ts'
import { inCluster, ResponderCa } from './responder-ca.ts'
import { type LinkOptions, ResponderLink } from './responder-link.ts'
import type { DetectorServices } from './services.ts'
import { type StatusPages, serveStatus } from './status-socket.ts'

/** As the spool: one turn of the rings fits. */
const QUEUE_BYTES = 8 * 1024 * 1024

/** How the configuration wants every alert printed. */
export const printOptions = (
  config: DetectorConfig,
): Pick<PrintOptions<never>, 'buffers' | 'appendOutput' | 'staticFields'> => ({
  buffers: config.buffer_format_base64 ? 'base64' : 'dots',
  appendOutput: appendOutputs(config),
  staticFields: new Map(Object.entries(config.static_fields)),
})

const appendOutputs = (config: DetectorConfig): AppendOutput[] =>
  config.append_output.map((entry) => ({
    match: entry.match,
    extraOutput: entry.extra_output,
    isSuggested: entry.suggested_output,
    extraFields: entry.extra_fields.flatMap((field): AppendOutput['extraFields'] =>
      typeof field === 'string'
        ? [{ name: field, template: undefined }]
        : Object.entries(field).map(([name, template]) => ({ name, template })),
    ),
  }))

/** A program that the detector starts gets none of our own settings. */
const withoutOurs = (environment: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('RIPOSTE_')))

export type OutputServices = Pick<DetectorServices, 'environment' | 'random'> & {
  readonly hostname: string
}

export function openOutputs(config: DetectorConfig, services: OutputServices): Promise<FanOut> {
  return FanOut.open(
    {
      config,
      limits: { maxLines: config.outputs_queue.capacity, maxBytes: QUEUE_BYTES },
      environment: withoutOurs(services.environment),
      random: services.random,
      now: () => new Date(),
      processId: process.pid,
    },
    {
      isJson: config.json_output,
      hasOutput: config.json_include_output_property,
      hasMessage: config.json_include_message_property,
      hasOutputFields: config.json_include_output_fields_property,
      hasTags: config.json_include_tags_property,
      isIsoTime: config.time_format_iso_8601,
      hostname: services.hostname,
    },
  )
}

export async function openLink(
  config: DetectorConfig,
  { token, random, environment }: Pick<DetectorServices, 'token' | 'random' | 'environment'>,
  heartbeat: () => Heartbeat,
  hands: Pick<LinkOptions, 'execute' | 'onOrders'> | undefined,
): Promise<ResponderLink | undefined> {
  const { responder, spool, data } = config.riposte
  if (responder.url === '') return undefined
  const configMap = responder.ca_config_map
  return ResponderLink.open({
    endpoint: {
      url: responder.url,
      keepAlive: true,
      isInsecure: false,
      ca:
        configMap === ''
          ? undefined
          : new ResponderCa({ configMap, api: inCluster(environment), random }),
      caFile: responder.ca_file,
      certificateFile: responder.certificate_file,
      keyFile: responder.key_file,
    },
    node: config.node,
    token,
    spool: {
      directory: `${data}/spool-responder`,
      maxBytes: spool.max_bytes,
      syncMs: spool.sync_ms,
    },
    random,
    heartbeat,
    execute: hands?.execute ?? ((verdict) => Promise.resolve(unable(verdict))),
    onOrders: hands?.onOrders ?? (() => undefined),
  })
}

const unable = ({ id, operation }: Verdict): Answer => ({
  id,
  operation,
  status: 'refused',
  detail: 'this detector only tells: it carries out no orders',
  effect: null,
  isRetryable: false,
  finishedMs: Date.now(),
})

export async function openStatus(
  config: DetectorConfig,
  pages: StatusPages,
): Promise<Server | undefined> {
  const { status_socket: path } = config.riposte
  return path === '' ? undefined : serveStatus(path, pages)
}

export async function closed(server: Server | undefined): Promise<void> {
  if (server === undefined) return
  server.closeAllConnections()
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
  })
}
