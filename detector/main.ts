/** Wires a detector: source → state → rules → alerts → outputs and responder. Nothing below it builds anything. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AlertOptions, compileAlert } from './alerts/alert.ts'
import { lostRecords, reloadFailed, strikeDisarmed } from './alerts/internal.ts'
import type { DetectorConfig } from './config.ts'
import { printOptions } from './connect.ts'
import { openIdentity } from './containers/open.ts'
import { KeptRules } from './kept-rules.ts'
import { LostRecords } from './lost-records.ts'
import { Pipeline } from './pipeline.ts'
import { syscallSource } from './rule-sources.ts'
import type { Detector, DetectorServices } from './services.ts'
import { Voice } from './voice.ts'

const FIRST_ORDERS_MS = 2000
const TICK_MS = 1000
const RECONCILE_TICKS = 60

export async function startDetector(
  config: DetectorConfig,
  services: DetectorServices,
): Promise<Detector> {
  const { source, state, scope, hands, judge } = services
  const speaker = { node: config.node, bootId: state.host.bootId }
  const nowNs = () => state.host.wallTimeNs(state.host.nowNs())
  const alerts: AlertOptions = {
    ...printOptions(config),
    table: syscallSource.fields,
    identity: speaker,
    wallTimeNs: (bootTimeNs) => state.host.wallTimeNs(bootTimeNs),
    strikesOf: hands?.strikesOf ?? (() => []),
  }
  const rules = new KeptRules({
    config,
    judging: { source: syscallSource, compileAlert: (rule) => compileAlert(rule, alerts) },
    services,
    onLoaded(loaded) {
      source.want(loaded.ruleset.wantedEvents)
      pipeline.swap(loaded)
      tellJudge()
      voice.link?.changed()
    },
    onRefused(errors) {
      voice.notice(reloadFailed(errors, nowNs()))
      voice.link?.changed()
    },
  })
  const pipeline = new Pipeline({
    state,
    rules: rules.current,
    onAlert(judged) {
      voice.alert(judged)
      identity.noteAlert(judged)
    },
    isOwn: hands?.isOwn ?? (() => false),
    onStruck(event) {
      for (const { policy, rule } of judge?.confirm(event) ?? [])
        voice.notice(strikeDisarmed(policy, rule, nowNs()))
    },
    onSuspended(container, keep) {
      identity.suspend(container, keep)
    },
  })
  const identity = await openIdentity(config, {
    ...services,
    deliver: pipeline.onRecord,
    send: (amendment) => voice.link?.amend(amendment),
  })
  let isReady = false
  const voice = await Voice.open({
    config,
    services,
    identity: speaker,
    hostname: state.host.hostname,
    scope: scope.name,
    condition: () => ({
      isReady,
      judging: pipeline,
      lost: source.lost(),
      degraded: degraded(),
      strikes: hands?.strikes() ?? { generation: '', active: [], unavailable: [] },
      liveProcesses: state.processes.counts.live,
      held: identity.held,
    }),
    hands: hands && {
      execute: hands.execute,
      onOrders({ strikes, killSwitch }) {
        hands.setKillSwitch(killSwitch)
        hands.takeStrikes(strikes, pipeline.rules)
      },
    },
  })
  const lost = new LostRecords(source)
  let ticks = 0
  await voice.answer()

  /** The events are attached by now, and the processes known that began before. */
  function tellJudge() {
    judge?.learn(state.processes.live())
    judge?.setRules(pipeline.rules.ruleset.rules)
  }

  function degraded(): readonly string[] {
    const { live, refused } = state.processes.counts
    return [
      ...source.degraded(),
      ...lost.sentences(),
      ...rules.degraded(),
      ...identity.degraded(),
      ...voice.degraded(),
      ...(refused > 0 ? [`the process table is full (${live}): ${refused} processes unknown`] : []),
    ]
  }

  function tick() {
    state.refresh()
    identity.tick()
    const news = lost.since()
    if (news.size > 0) voice.notice(lostRecords(news, pipeline.judged, nowNs()))
    // What is outside our scope ends without a word, and processes are moved out of it.
    const isUntold = scope.level > 0 && ++ticks % RECONCILE_TICKS === 0
    if (news.has('process') || isUntold) state.reconcile()
    voice.tick(nowNs())
  }

  await source.start(rules.current.ruleset.wantedEvents, identity.onRecord)
  state.endScan()
  tellJudge()
  isReady = true
  voice.link?.start()
  const ticking = setInterval(tick, TICK_MS)
  rules.watch()
  // Ready means that policies strike too; a responder that is away must not keep anything from being judged.
  if (voice.link)
    await Promise.race([voice.link.firstOrders, sleep(FIRST_ORDERS_MS, undefined, { ref: false })])

  return {
    reload: rules.reload,
    degraded,
    metrics: () => voice.metrics(),
    reopenOutputs: () => {
      voice.reopenOutputs()
    },
    async stop() {
      clearInterval(ticking)
      rules.stop()
      await source.stop()
      await identity.stop()
      await voice.stop()
    },
  }
}
