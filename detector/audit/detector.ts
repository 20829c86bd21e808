/** Wires a detector of Kubernetes audit: webhook or file → rules → alerts. It loads no BPF and needs no privilege. */
import { refusedEvents, reloadFailed } from '../alerts/internal.ts'
import type { DetectorConfig } from '../config.ts'
import { printOptions } from '../connect.ts'
import type { LoadedRule } from '../engine/load/compile-rules.ts'
import { KeptRules } from '../kept-rules.ts'
import { k8sAuditSource } from '../rule-sources.ts'
import type { Detector, DetectorServices } from '../services.ts'
import type { Host } from '../state/host.ts'
import { Voice, matchedRules } from '../voice.ts'
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
  const { host, say } = services
  const identity = { node: config.node, bootId: host.bootId }
  const alerts = { ...printOptions(config), table: k8sAuditSource.fields, identity }
  const rules = new KeptRules({
    config,
    judging: { source: k8sAuditSource, compileAlert: (rule) => compileAuditAlert(rule, alerts) },
    services,
    onLoaded(loaded) {
      pipeline.swap(loaded)
      voice.link?.changed()
    },
    onRefused(errors) {
      voice.notice(reloadFailed(errors, nowNs()))
      voice.link?.changed()
    },
  })
  const pipeline = new AuditPipeline({
    rules: rules.current,
    hostname: host.hostname,
    emit: (judged) => voice.alert(judged),
    kept: () => voice.link?.kept() ?? Promise.resolve(true),
    onRefused: say,
  })
  const source = openSource(door, config.riposte.data, {
    take: (parsed) => pipeline.take(parsed),
    say,
  })
  let isReady = false
  let refusedBefore = 0
  let refusedNow = 0
  const voice = await Voice.open({
    config,
    services,
    identity,
    hostname: host.hostname,
    scope: SCOPE,
    condition: () => ({
      isReady,
      judging: pipeline,
      lost: { k8s_audit: pipeline.refused },
      degraded: degraded(),
      strikes: { generation: '', active: [], unavailable: [] },
      liveProcesses: 0,
      held: { records: 0, late: 0, suspended: 0, judgedAgain: 0, dropped: 0 },
    }),
  })
  await voice.answer()

  function degraded(): readonly string[] {
    return [
      ...source.degraded(),
      ...(refusedNow > 0 ? [`${refusedNow} audit events refused in the last second`] : []),
      ...rules.degraded(),
      ...voice.degraded(),
    ]
  }

  function tick() {
    refusedNow = pipeline.refused - refusedBefore
    refusedBefore = pipeline.refused
    if (refusedNow > 0) voice.notice(refusedEvents(refusedNow, nowNs()))
    voice.tick(nowNs())
  }

  voice.link?.start()
  await source.start()
  isReady = true
  const ticking = setInterval(tick, TICK_MS)
  rules.watch()

  return {
    reload: rules.reload,
    degraded,
    metrics: () => voice.metrics(),
    matched: () => matchedRules(pipeline),
    judged: () => pipeline.judged,
    ended: source.ended,
    reopenOutputs: () => {
      voice.reopenOutputs()
    },
    async stop() {
      clearInterval(ticking)
      rules.stop()
      await source.stop()
      await voice.stop()
    },
  }
}
