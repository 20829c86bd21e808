/**
 * Falco's http_output, made durable: each alert is one POST of its line, and it stays in the spool on disk until
 * the endpoint has answered 2xx. An endpoint that is down for hours loses nothing within the spool's bound.
 */
import { join } from 'node:path'
import { Delivery } from '../spool/delivery.ts'
import { Spool } from '../spool/spool.ts'
import { type EndpointOptions, HttpClient, checkAcknowledged } from './client.ts'
import type { Output, OutputKind } from './output.ts'

export const http: OutputKind = {
  name: 'http',
  isEnabled: (config) => config.http_output.enabled,
  open({ config, random }) {
    const { http_output: falco, riposte } = config
    const caFile = [falco.ca_cert, falco.ca_bundle].find((path) => path !== '')
    return httpOutput({
      url: falco.url,
      // Falco opens a connection for each alert unless told otherwise; a spool that drains would suffer.
      keepAlive: true,
      isInsecure: falco.insecure,
      caFile,
      certificateFile: falco.mtls ? falco.client_cert : undefined,
      keyFile: falco.mtls ? falco.client_key : undefined,
      userAgent: falco.user_agent,
      isJson: config.json_output,
      spoolDirectory: join(riposte.data, 'spool-http'),
      spoolBytes: riposte.spool.max_bytes,
      syncMs: riposte.spool.sync_ms,
      random,
    })
  },
}

export interface HttpOptions extends EndpointOptions {
  readonly userAgent: string
  readonly isJson: boolean
  readonly spoolDirectory: string
  readonly spoolBytes: number
  readonly syncMs: number
  readonly random: () => number
}

const TIMEOUT_MS = 10_000

export async function httpOutput(options: HttpOptions): Promise<Output> {
  const client = new HttpClient(options)
  const spool = await Spool.open({
    directory: options.spoolDirectory,
    maxBytes: options.spoolBytes,
    syncMs: options.syncMs,
  })
  const headers = {
    'content-type': options.isJson ? 'application/json' : 'text/plain',
    'user-agent': options.userAgent,
  }
  const delivery = new Delivery({
    spool,
    maxRecords: 1,
    maxBytes: Infinity,
    random: options.random,
    async send([body], signal) {
      const request = { method: 'POST' as const, path: '', headers, timeoutMs: TIMEOUT_MS, signal }
      checkAcknowledged(options.url, await client.request({ ...request, body }))
    },
  })
  delivery.start()
  return {
    name: 'http',
    write: (line) => spool.append(Buffer.from(line.text)),
    reopen: () => undefined,
    async stop(graceMs) {
      await delivery.stop(graceMs)
      client.close()
    },
    get status() {
      return {
        written: delivery.delivered,
        dropped: spool.dropped + delivery.refused,
        pending: spool.pending,
        problem: delivery.problem ?? spool.problem,
      }
    },
  }
}
