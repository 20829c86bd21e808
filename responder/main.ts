/** Wires the responder: ledger, Redis, policies, core, nodes and the two doors. The only place that knows them all. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import type { Alert } from '../contract/alert.ts'
import { actions as allActions } from './actions/index.ts'
import { claimDirectory } from './claim.ts'
import { nodeTokenFileOf, retentionOf, socketPathOf, type ResponderConfig } from './config.ts'
import { startCore, type Core } from './core.ts'
import type { CoreParts } from './core-parts.ts'
import { openStore } from './evidence/config.ts'
import { Custody, ownerOf } from './evidence/custody.ts'
import { noEvidence } from './evidence/evidence.ts'
import { evidenceFromNodes } from './evidence/from-nodes.ts'
import { sweepEvidence } from './evidence/sweep.ts'
import { builtInPods, kubernetesGuard } from './gates/guard-kubernetes.ts'
import { builtInGuard } from './gates/guard.ts'
import { NodeHub } from './http/node-hub.ts'
import type { Office } from './http/office.ts'
import { readOrCreateSecret, readSecret } from './http/secret-file.ts'
import { startServer } from './http/server.ts'
import { openKubernetes } from './kubernetes/open.ts'
import { watchRights } from './kubernetes/watch-rights.ts'
import { openPolicyObjects } from './kubernetes/policy-objects.ts'
import { openLedger, type Ledger } from './ledger/open.ts'
import { LivePolicies } from './live-policies.ts'
import { createMetrics } from './metrics.ts'
import { linkTo } from './node-link.ts'
import { openNotify } from './notifiers/index.ts'
import { openOutbound } from './notifiers/outbound.ts'
import { judgeOf } from './plan.ts'
import type { PolicyWatch } from './policy/directory.ts'
import { startRedis, type RedisAddress } from './redis.ts'
import { openRelay, type Relay } from './relay.ts'
import { openTls } from './tls/open.ts'
import { trustOf } from './trust/index.ts'

export interface ResponderParts {
  readonly config: ResponderConfig
  readonly logger: FastifyBaseLogger
  readonly version: string
  /** At the start and when policy files changed: they are in force, or their problems are to be shown. */
  readonly onPolicies: (policies: PolicyWatch) => void
  /** Only for tests and benches: actions of their own, and where a step is. */
  readonly core?: Partial<Pick<CoreParts, 'actions' | 'reach'>>
}

export interface Responder extends AsyncDisposable {
  readonly core: Core
  readonly ledger: Ledger
  readonly policies: LivePolicies
  /** What people open in a browser; `riposte login` lets them in. */
  readonly url: string
  readonly socketPath: string
  readonly nodeTokenFile: string
  readonly degraded: () => readonly string[]
}

export async function startResponder(parts: ResponderParts): Promise<Responder> {
  const { config, logger } = parts
  const actions = parts.core?.actions ?? allActions
  const log = (message: string) => {
    logger.warn(message)
  }
  mkdirSync(config.data, { recursive: true, mode: 0o700 })
  await using stack = new AsyncDisposableStack()
  stack.use(await claimDirectory(config.data))
  const tokenFile = nodeTokenFileOf(config)
  if (config.nodeTokenFile === null) readOrCreateSecret(tokenFile)
  else readSecret(tokenFile)
  const outbound = stack.use(openOutbound(config.outbound))
  const notify = openNotify(config.notifiers, {
    outbound,
    log: (fields, text) => {
      logger.info(fields, text)
    },
    nowMs: Date.now,
  })
  const ledger = stack.use(await openLedger(ledgerAddress(config)))
  const redis = await redisOf(config, log)
  stack.defer(redis.stop)
  const relay: { tell?: Relay['tell'] } = {}
  const hub = new NodeHub((news) => relay.tell?.(news))
  if (ledger.isShared)
    relay.tell = stack.use(
      await openRelay({
        ledger,
        redis: redis.address,
        hear: (news) => {
          hub.hear(news)
        },
        nowMs: Date.now,
        log,
      }),
    ).tell
  const metrics = createMetrics({
    ledger,
    degraded: () => degraded(),
    nodes: () => hub.seen(),
  })
  const cluster = stack.use(
    await openKubernetes({
      settings: config.kubernetes,
      version: parts.version,
      onCall: (verb, code) => {
        metrics.countApiCall(verb, code)
      },
    }),
  )
  const evidence = await openEvidence(config, ledger)
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const policies = stack.use(
    new LivePolicies({
      directory: config.policies,
      lastGoodFile: join(config.data, 'policies-in-force.json'),
      actions,
      ledger,
      hub,
      builtIn: [
        ...builtInGuard(() => ownPids(redis.pid()), bootId),
        ...kubernetesGuard(cluster.own.namespace),
      ],
      builtInPods: builtInPods(cluster.own.namespace),
      onFiles: parts.onPolicies,
      log,
    }),
  )
  await policies.start()
  const rights = stack.use(
    watchRights({
      cluster,
      actions: actions.filter(({ name }) => config.actions.enabled?.includes(name) ?? true),
      namespaces: config.kubernetes.namespaces,
      inForce: policies.inForce,
      log,
    }),
  )
  const tls = openTls(config, cluster.within)
  if (tls !== null) stack.use(tls)
  const { trust, confirm } = trustOf(
    config,
    cluster.within,
    () => readSecret(tokenFile),
    metrics.countRefusal,
  )
  if (config.policyResources)
    stack.use(
      await openPolicyObjects({
        cluster,
        actions,
        enabledActions: config.actions.enabled,
        data: config.data,
        ledger,
        policies,
        rights,
        log,
      }),
    )
  const degraded = () => [
    ...trust.degraded(),
    ...(tls?.degraded() ?? []),
    ...core.degraded(),
    ...policies.degraded(),
    ...hub.degraded(Date.now()),
    ...cluster.degraded(),
    ...rights.degraded(),
  ]
  let url: string | null = null
  const core: Core = await startCore({
    ledger,
    redis: redis.address,
    isRedisOurs: redis.isOurs,
    directory: config.data,
    judge: judgeOf(policies.inForce, actions),
    actions,
    enabledActions: config.actions.enabled,
    protected: policies.protected,
    modeOf: policies.modeOf,
    linkTo: linkTo(hub),
    kubernetes: cluster.within,
    confirm,
    evidence: (step, signal) => evidence?.custody.of(ownerOf(step), signal) ?? noEvidence,
    linkOf: () => url,
    notify,
    onChange: (change) => {
      if (change.kind === 'kill_switch') hub.setKillSwitch(change.reason !== null)
      if (change.kind === 'step_ended') metrics.countStep(change.step)
    },
    retention: retentionOf(config),
    prune: async () => {
      if (evidence !== null) await sweepEvidence(evidence.store, ledger, config.evidence.retainDays)
    },
    log,
    ...parts.core,
  })
  stack.use(core)
  hub.setKillSwitch(core.killSwitch() !== null)
  const office: Office = {
    core,
    ledger,
    actions,
    hub,
    evidence,
    inForce: policies.inForce,
    policyProblems: () => policies.files().problems(),
    setMode: (policy, mode, who) => policies.setMode(policy, mode, who),
    degraded,
    groups: config.groups,
    metrics: metrics.text,
    version: parts.version,
    startedMs: Date.now(),
  }
  const takeAlerts = async (alerts: readonly Alert[]) => {
    await core.takeAlerts(alerts)
    metrics.countAlerts(alerts)
  }
  const { apiTokenFile } = config
  const server = await startServer(
    {
      socketPath: socketPathOf(config),
      listen: config.listen,
      publicUrl: config.publicUrl,
      tls,
      names: config.tls.names,
      apiToken: () => (apiTokenFile === null ? null : readSecret(apiTokenFile)),
    },
    office,
    {
      hub,
      trust,
      takeAlerts,
      takeEvidence: evidenceFromNodes(ledger, actions, evidence),
      takeAmendments: (amendments) => core.takeAmendments(amendments),
    },
    logger,
  )
  stack.use(server)
  ;({ url } = server)
  const running = stack.move()
  return {
    core,
    ledger,
    policies,
    url: server.url,
    socketPath: socketPathOf(config),
    nodeTokenFile: tokenFile,
    degraded,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function openEvidence({ evidence, data }: ResponderConfig, ledger: Ledger) {
  const store = await openStore(evidence, data)
  return store && { store, custody: new Custody(store, ledger, evidence.maxBytesPerStep) }
}

const ledgerAddress = ({ data, ledgerUrlFile }: ResponderConfig) =>
  ledgerUrlFile === null ? { file: join(data, 'ledger.db') } : { url: readSecret(ledgerUrlFile) }

/** This program, what started it, and its Redis are never acted on. */
const ownPids = (redis: number | undefined): readonly number[] =>
  [process.pid, process.ppid, redis].filter((pid) => pid !== undefined)

interface UsedRedis {
  readonly address: RedisAddress
  readonly isOurs: boolean
  readonly pid: () => number | undefined
  readonly stop: () => Promise<void>
}

async function redisOf(
  config: ResponderConfig,
  log: (message: string) => void,
): Promise<UsedRedis> {
  const url = config.redisUrlFile === null ? config.redisUrl : readSecret(config.redisUrlFile)
  if (url !== null)
    return { address: { url }, isOurs: false, pid: () => undefined, stop: () => Promise.resolve() }
  const own = await startRedis(join(config.data, 'redis'), log)
  return {
    address: own.address,
    isOurs: true,
    pid: own.pid,
    stop: async () => {
      await own[Symbol.asyncDispose]()
    },
  }
}
