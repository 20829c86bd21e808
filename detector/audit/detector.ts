/** Wires a detector of Kubernetes audit: webhook or file → rules → alerts. It loads no BPF and needs no privilege. */
import type { Heartbeat } from '../../contract/verdict.ts'
import {
  type InternalNotice,
  internalAlert,
  refusedEvents,
  reloadFailed,
} from '../alerts/internal.ts'
import type { DetectorConfig } from '../config.ts'
import { appendOutputs, closed, openLink, openOutputs, openStatus } from '../connect.ts'
import type { LoadedRule } from '../engine/load/compile-rules.ts'
import { printMetrics } from '../metrics.ts'
import { k8sAuditSource } from '../rule-sources.ts'
import { RulesRefused, loadInForce } from '../rules-in-force.ts'
import type { Detector, DetectorServices } from '../services.ts'
import type { Host } from '../state/host.ts'
import { FileWatch } from '../watch.ts'
import { compileAuditAlert } from './alert.ts'
import { AuditLogFile } from './log-file.ts'
import { AuditPipeline } from './pipeline.ts'
import type { AuditDoor } from './settings.ts'
import type { AuditSource, AuditSourceOptions } from './source.ts'
import { AuditWebhook } from './webhook.ts'

export type AuditServices = Pick<
  DetectorServices,
  'token' | 'say' | 'explain' | 'version' | 'environment' | 'random'
> & { readonly host: Host }

export interface AuditDetector extends Detector {
  /** Resolves when a file has been read to its end; rejects when it cannot be read. */
  readonly ended: Promise<void>
  readonly judged: () => number
  /** Rules that matched, with how often. */
  readonly matched: () => readonly { readonly rule: LoadedRule; readonly matches: number }[]
}

const nowNs = () => BigInt(Date.now()) * 1_000_000n

/** It speaks for no node. */
const SCOPE = 'cluster'
const STOP_GRACE_MS = 2000
const TICK_MS = 1000

function openSource(door: AuditDoor, data: string, options: AuditSourceOptions): AuditSource {
  return door.kind === 'webhook'
    ? new AuditWebhook(door, options)
    : new AuditLogFile(door, data, options)
}

export async function startAuditDetector(
  config: DetectorConfig,
  door: AuditDoor,
  services: AuditServices,
): Promise<AuditDetector> {
  const { host, say, explain } = services
  const identity = { node: config.node, bootId: host.bootId }
  const startedMs = Date.now()
  const judging = {
    source: k8sAuditSource,
    compileAlert: (rule: LoadedRule) =>
      compileAuditAlert(rule, {
        table: k8sAuditSource.fields,
        buffers: config.buffer_format_base64 ? 'base64' : 'dots',
        identity,
        appendOutput: appendOutputs(config),
        staticFields: new Map(Object.entries(config.static_fields)),
      }),
  }
  const loadRules = () => {
    const result = loadInForce(config.rulesFiles, config, judging, Date.now())
    explain(result.problems)
    return result
  }
  const first = loadRules()
  if (first.rules === undefined) throw new RulesRefused('the rules cannot be loaded')

  const outputs = await openOutputs(config, { ...services, hostname: host.hostname })
  const link = await openLink(config, services, heartbeat, undefined)
  const pipeline = new AuditPipeline({
    rules: first.rules,
    hostname: host.hostname,
    emit(judged) {
      outputs.write(judged)
      return link?.alert(judged.alert) ?? true
    },
    kept: () => link?.kept() ?? Promise.resolve(true),
    onRefused: say,
  })
  const source = openSource(door, config.riposte.data, {
    take: (parsed) => pipeline.take(parsed),
    say,
  })
  const status = await openStatus(config, { metrics, degraded })
  let isReady = false
  let reloadProblem: string | undefined
  let refusedBefore = 0
  let refusedNow = 0
  let told = ''

  const emitInternal = (notice: InternalNotice) => {
    const judged = internalAlert(notice, identity)
    outputs.write(judged)
    link?.alert(judged.alert)
  }

  function reload() {
    const { rules, problems } = loadRules()
    if (rules === undefined) {
      const errors = problems.filter(({ severity }) => severity === 'error').length
      const since = new Date(pipeline.rules.loadedMs).toISOString()
      reloadProblem = `${errors} problems in the rule files; the rules of ${since} stay in force`
      say(reloadProblem)
      emitInternal(reloadFailed(errors, nowNs()))
    } else {
      pipeline.swap(rules)
      reloadProblem = undefined
      say(`${rules.ruleset.rules.length} of ${rules.loaded} rules in force`)
    }
    link?.changed()
  }

  function degraded(): readonly string[] {
    const broken = [...outputs.statuses.values()].flatMap(({ problem }) => problem ?? [])
    return [
      ...source.degraded(),
      ...(refusedNow > 0 ? [`${refusedNow} audit events refused in the last second`] : []),
      ...(reloadProblem === undefined ? [] : [reloadProblem]),
      ...broken,
      ...(link?.status.problem === undefined ? [] : [`responder: ${link.status.problem}`]),
    ]
  }

  function heartbeat(): Heartbeat {
    const { rules } = pipeline
    return {
      ...identity,
      version: services.version,
      startedMs,
      sentMs: Date.now(),
      isReady,
      rules: { loaded: rules.loaded, enabled: rules.ruleset.rules.length, sha256: rules.sha256 },
      events: { judged: pipeline.judged, lost: { k8s_audit: pipeline.refused } },
      scope: SCOPE,
      degraded: [...degraded()],
      strikes: { generation: '', active: [], unavailable: [] },
      residentBytes: process.memoryUsage.rss(),
    }
  }

  const matched = () =>
    pipeline.rules.ruleset.rules.flatMap((rule) => {
      const matches = pipeline.matches.get(rule.name)
      return matches === undefined ? [] : [{ rule, matches }]
    })

  function metrics(): string {
    const { user, system } = process.cpuUsage()
    const { rules } = pipeline
    return printMetrics({
      version: services.version,
      hostname: host.hostname,
      scope: SCOPE,
      startedMs,
      reloadedMs: rules.loadedMs,
      nowMs: Date.now(),
      ruleFiles: rules.files,
      judged: pipeline.judged,
      lost: new Map([['k8s_audit', pipeline.refused]]),
      rules: matched().map(({ rule: { name, priority, source: from, tags }, matches }) => ({
        rule: name,
        priority,
        source: from,
        tags,
        matches,
      })),
      outputs: new Map([
        ...outputs.statuses,
        ...(link ? [['responder', link.status] as const] : []),
      ]),
      liveProcesses: 0,
      held: { records: 0, late: 0, suspended: 0, judgedAgain: 0, dropped: 0 },
      degraded: degraded(),
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
    })
  }

  function tick() {
    refusedNow = pipeline.refused - refusedBefore
    refusedBefore = pipeline.refused
    if (refusedNow > 0) emitInternal(refusedEvents(refusedNow, nowNs()))
    const dropped = outputs.newDrops(nowNs())
    if (dropped !== undefined) emitInternal(dropped)
    const sentences = degraded().join('\n')
    if (sentences === told) return
    for (const sentence of degraded().filter((one) => !told.split('\n').includes(one)))
      say(sentence)
    told = sentences
    link?.changed()
  }

  link?.start()
  await source.start()
  isReady = true
  const ticking = setInterval(tick, TICK_MS)
  const watching = new FileWatch(config.rulesFiles, reload)
  if (config.watch_config_files) watching.start()

  return {
    reload,
    degraded,
    metrics,
    matched,
    judged: () => pipeline.judged,
    ended: source.ended,
    reopenOutputs: () => {
      outputs.reopen()
    },
    async stop() {
      clearInterval(ticking)
      watching.stop()
      await source.stop()
      await Promise.all([outputs.stop(STOP_GRACE_MS), link?.stop(STOP_GRACE_MS), closed(status)])
    },
  }
}
