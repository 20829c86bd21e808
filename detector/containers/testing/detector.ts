/** A detector on this kernel whose containers are a test's, and a responder that keeps what it is told. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Alert,
  type Amendment,
  alertBatchSchema,
  amendmentBatchSchema,
} from '../../../contract/alert.ts'
import { noPods } from '../../../contract/protected-pods.ts'
import { printProblem } from '../../../contract/problem.ts'
import { nodeRoutes } from '../../../contract/verdict.ts'
import { loadConfig } from '../../config.ts'
import { LiveSource } from '../../live-source.ts'
import { startDetector } from '../../main.ts'
import { openScope } from '../../scope/scope.ts'
import type { Detector } from '../../services.ts'
import { createState } from '../../state/state.ts'

export interface TestDetector extends AsyncDisposable {
  readonly alerts: readonly Alert[]
  readonly amendments: readonly Amendment[]
  readonly detector: Detector
  /** The first alert that fits, once it has come. */
  readonly alert: (fits: (alert: Alert) => boolean) => Promise<Alert>
  readonly amendment: (fits: (amendment: Amendment) => boolean) => Promise<Amendment>
}

/** Answers the first poll; the next one waits for what never comes. */
const noOrders = JSON.stringify({
  verdicts: [],
  strikes: { generation: 'none', orders: [], protectedPods: noPods },
  killSwitch: false,
})

export async function startTestDetector(
  rules: readonly { readonly name: string; readonly text: string }[],
  settings: Readonly<Record<string, unknown>>,
): Promise<TestDetector> {
  const directory = await mkdtemp(join(tmpdir(), 'riposte-identity-'))
  const rulesFiles = await Promise.all(
    rules.map(async ({ name, text }) => {
      const file = join(directory, name)
      await writeFile(file, text)
      return file
    }),
  )
  const alerts: Alert[] = []
  const amendments: Amendment[] = []
  let polls = 0
  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (bytes) => (body += String(bytes)))
    request.on('end', () => {
      if (request.url === nodeRoutes.alerts)
        alerts.push(...alertBatchSchema.parse(JSON.parse(body)).alerts)
      if (request.url === nodeRoutes.amendments)
        amendments.push(...amendmentBatchSchema.parse(JSON.parse(body)).amendments)
      if (request.method === 'POST') response.writeHead(204).end()
      else if (polls++ === 0) response.end(noOrders)
    })
  })
  const socket = join(directory, 'responder')
  await once(server.listen(socket), 'listening')
  const nobody = { enabled: false }
  const overrides = Object.entries({
    rules_files: rulesFiles,
    rule_matching: 'all',
    'stdout_output.enabled': false,
    'riposte.data': join(directory, 'data'),
    'riposte.responder.url': `unix:${socket}`,
    // A busy machine takes its time to say what a container is.
    'riposte.identity.hold_ms': 10_000,
    'container_engines.docker': nobody,
    'container_engines.podman': nobody,
    'container_engines.containerd': nobody,
    ...settings,
  }).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  const { config, problems } = loadConfig({ file: undefined, overrides, environment: {} })
  if (config === undefined)
    throw new Error(problems.map((problem) => printProblem(problem, undefined)).join('\n'))
  const scope = openScope({ scope: 'host', cgroupRoot: '/sys/fs/cgroup' })
  const state = createState()
  const detector = await startDetector(config, {
    scope,
    source: new LiveSource({ scope, nowNs: () => state.host.nowNs(), onAttached: () => undefined }),
    state,
    hands: undefined,
    judge: undefined,
    token: () => 'secret',
    say: () => undefined,
    explain: () => undefined,
    version: '0.0.0',
    environment: {},
    random: () => 0,
  })
  return {
    alerts,
    amendments,
    detector,
    alert: (fits) => found(alerts, fits),
    amendment: (fits) => found(amendments, fits),
    async [Symbol.asyncDispose]() {
      await detector.stop()
      server.closeAllConnections()
      await once(server.close(), 'close')
      await rm(directory, { recursive: true })
    },
  }
}

async function found<Kind>(list: readonly Kind[], fits: (one: Kind) => boolean): Promise<Kind> {
  for (;;) {
    const one = list.find(fits)
    if (one !== undefined) return one
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
