/** Wires a detector: source → state → rules → alerts → outputs and responder. Nothing below it builds anything. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Heartbeat } from '../contract/verdict.ts'
import {
  type InternalNotice,
  internalAlert,
  lostRecords,
  reloadFailed,
  strikeDisarmed,
} from './alerts/internal.ts'
import { type AlertOptions, compileAlert } from './alerts/alert.ts'
import type { JudgedAlert } from './alerts/judged.ts'
import type { DetectorConfig } from './config.ts'
import { appendOutputs, closed, openLink, openOutputs, openStatus } from './connect.ts'
import type { LoadedRule } from './engine/load/compile-rules.ts'
import { LostRecords } from './lost-records.ts'
import { printMetrics } from './metrics.ts'
import { Pipeline } from './pipeline.ts'
import { openIdentity } from './containers/open.ts'
import { syscallSource } from './rule-sources.ts'
import { RulesRefused, loadInForce } from './rules-in-force.ts'
import type { Detector, DetectorServices } from './services.ts'
import { FileWatch } from './watch.ts'

const FIRST_ORDERS_MS = 2000
const STOP_GRACE_MS = 2000
const TICK_MS = 1000
const RECONCILE_TICKS = 60

export async function startDetector(
  config: DetectorConfig,
  services: DetectorServices,
): Promise<Detector> {
  const { source, state, scope, hands, judge, say, explain } = services
  const speaker = { node: config.node, bootId: state.host.bootId }
  const startedMs = Date.now()
  const alerts: AlertOptions = {
    table: syscallSource.fields,
    buffers: config.buffer_format_base64 ? 'base64' : 'dots',
    identity: speaker,
    appendOutput: appendOutputs(config),
    staticFields: new Map(Object.entries(config.static_fields)),
    wallTimeNs: (bootTimeNs) => state.host.wallTimeNs(bootTimeNs),
    strikesOf: hands?.strikesOf ?? (() => []),
  }
  const loadRules = () => {
    const judging = {
      source: syscallSource,
      compileAlert: (rule: LoadedRule) => compileAlert(rule, alerts),
    }
    const result = loadInForce(config.rulesFiles, config, judging, Date.now())
    explain(result.problems)
    return result
  }
  const first = loadRules()
  if (first.rules === undefined) throw new RulesRefused('the rules cannot be loaded')

  const outputs = await openOutputs(config, { ...services, hostname: state.host.hostname })
  const pipeline = new Pipeline({
    state,
    rules: first.rules,
    onAlert: (judged) => {
      emit(judged)
    },
    isOwn: hands?.isOwn ?? (() => false),
    onStruck(event) {
      for (const { policy, rule } of judge?.confirm(event) ?? [])
        emitInternal(strikeDisarmed(policy, rule, nowNs()))
    },
    onSuspended(container, keep) {
      identity.suspend(container, keep)
    },
  })
  const identity = await openIdentity(config, {
    ...services,
    deliver: pipeline.onRecord,
    send: (amendment) => link?.amend(amendment),
  })
  let isReady = false
  let reloadProblem: string | undefined
  const link = await openLink(
    config,
    services,
    heartbeat,
    hands && {
      execute: hands.execute,
      onOrders({ strikes, killSwitch }) {
        hands.setKillSwitch(killSwitch)
        hands.takeStrikes(strikes, pipeline.rules)
      },
    },
  )
  const status = await openStatus(config, { metrics, degraded })
  const lost = new LostRecords(source)
  let told = ''
  let ticks = 0

  function emit(judged: JudgedAlert) {
    outputs.write(judged)
    link?.alert(judged.alert)
    identity.noteAlert(judged)
  }
  const emitInternal = (notice: InternalNotice) => {
    emit(internalAlert(notice, speaker))
  }
  const nowNs = () => state.host.wallTimeNs(state.host.nowNs())

  /** The events are attached by now, and the processes known that began before. */
  function tellJudge() {
    judge?.learn(state.processes.live())
    judge?.setRules(pipeline.rules.ruleset.rules)
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
      source.want(rules.ruleset.wantedEvents)
      pipeline.swap(rules)
      tellJudge()
      reloadProblem = undefined
      say(`${rules.ruleset.rules.length} of ${rules.loaded} rules in force`)
    }
    link?.changed()
  }

  function degraded(): readonly string[] {
    const broken = [...outputs.statuses.values()].flatMap(({ problem }) => problem ?? [])
    const { live, refused } = state.processes.counts
    return [
      ...source.degraded(),
      ...lost.sentences(),
      ...(reloadProblem === undefined ? [] : [reloadProblem]),
      ...identity.degraded(),
      ...broken,
      ...(link?.status.problem === undefined ? [] : [`responder: ${link.status.problem}`]),
      ...(refused > 0 ? [`the process table is full (${live}): ${refused} processes unknown`] : []),
    ]
  }

  function heartbeat(): Heartbeat {
    const { rules } = pipeline
    return {
      ...speaker,
      version: services.version,
      startedMs,
      sentMs: Date.now(),
      isReady,
      rules: { loaded: rules.loaded, enabled: rules.ruleset.rules.length, sha256: rules.sha256 },
      events: { judged: pipeline.judged, lost: { ...source.lost() } },
      scope: scope.name,
      degraded: [...degraded()],
      strikes: hands?.strikes() ?? { generation: '', active: [], unavailable: [] },
      residentBytes: process.memoryUsage.rss(),
    }
  }

  function metrics(): string {
    const { user, system } = process.cpuUsage()
    const { rules } = pipeline
    return printMetrics({
      version: services.version,
      scope: scope.name,
      hostname: state.host.hostname,
      startedMs,
      reloadedMs: rules.loadedMs,
      nowMs: Date.now(),
      ruleFiles: rules.files,
      judged: pipeline.judged,
      lost: new Map(Object.entries(source.lost())),
      rules: rules.ruleset.rules.flatMap(({ name, priority, source: from, tags }) => {
        const matches = pipeline.matches.get(name)
        return matches === undefined ? [] : [{ rule: name, priority, source: from, tags, matches }]
      }),
      outputs: new Map([
        ...outputs.statuses,
        ...(link ? [['responder', link.status] as const] : []),
      ]),
      liveProcesses: state.processes.counts.live,
      held: identity.held,
      degraded: degraded(),
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
    })
  }

  function tick() {
    state.refresh()
    identity.tick()
    const news = lost.since()
    if (news.size > 0) emitInternal(lostRecords(news, pipeline.judged, nowNs()))
    // What is outside our scope ends without a word, and processes are moved out of it.
    const isUntold = scope.level > 0 && ++ticks % RECONCILE_TICKS === 0
    if (news.has('process') || isUntold) state.reconcile()
    const dropped = outputs.newDrops(nowNs())
    if (dropped !== undefined) emitInternal(dropped)
    const sentences = degraded().join('\n')
    if (sentences === told) return
    for (const sentence of degraded().filter((one) => !told.split('\n').includes(one)))
      say(sentence)
    told = sentences
    link?.changed()
  }

  await source.start(first.rules.ruleset.wantedEvents, identity.onRecord)
  state.endScan()
  tellJudge()
  isReady = true
  link?.start()
  const ticking = setInterval(tick, TICK_MS)
  const watching = new FileWatch(config.rulesFiles, reload)
  if (config.watch_config_files) watching.start()
  // Ready means that policies strike too; a responder that is away must not keep anything from being judged.
  if (link)
    await Promise.race([link.firstOrders, sleep(FIRST_ORDERS_MS, undefined, { ref: false })])

  return {
    reload,
    degraded,
    metrics,
    reopenOutputs: () => {
      outputs.reopen()
    },
    async stop() {
      clearInterval(ticking)
      watching.stop()
      await source.stop()
      await identity.stop()
      await Promise.all([outputs.stop(STOP_GRACE_MS), link?.stop(STOP_GRACE_MS), closed(status)])
    },
  }
}
