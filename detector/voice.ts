/** What a detector says: alerts to its outputs and its responder, and to whoever wants to know, how it is. */
import type { Server } from 'node:http'
import type { Heartbeat } from '../contract/verdict.ts'
import { type InternalNotice, internalAlert } from './alerts/internal.ts'
import type { JudgedAlert } from './alerts/judged.ts'
import type { NodeIdentity } from './alerts/printed.ts'
import type { DetectorConfig } from './config.ts'
import { closed, openLink, openOutputs, openStatus } from './connect.ts'
import type { LoadedRule } from './engine/load/compile-rules.ts'
import { type DetectorMetrics, printMetrics } from './metrics.ts'
import type { FanOut } from './outputs/fan-out.ts'
import type { LinkOptions, ResponderLink } from './responder-link.ts'
import type { RulesInForce } from './rules-in-force.ts'
import type { DetectorServices } from './services.ts'

/** What judges, and how much it has. */
export interface Judging {
  readonly rules: Pick<RulesInForce<never>, 'loaded' | 'sha256' | 'files' | 'loadedMs'> & {
    readonly ruleset: { readonly rules: readonly LoadedRule[] }
  }
  readonly judged: number
  /** By rule name. */
  readonly matches: ReadonlyMap<string, number>
}

/** How a detector is when it is asked. */
export interface Condition {
  readonly isReady: boolean
  readonly judging: Judging
  /** By record class, since start. */
  readonly lost: Readonly<Record<string, number>>
  readonly degraded: readonly string[]
  readonly strikes: Heartbeat['strikes']
  readonly liveProcesses: number
  readonly held: DetectorMetrics['held']
}

export interface VoiceOptions {
  readonly config: DetectorConfig
  readonly services: Pick<DetectorServices, 'token' | 'say' | 'version' | 'environment' | 'random'>
  readonly identity: NodeIdentity
  readonly hostname: string
  readonly scope: string
  readonly condition: () => Condition
  /** What carries out orders; a detector that only tells has none. */
  readonly hands?: Pick<LinkOptions, 'execute' | 'onOrders'> | undefined
}

const STOP_GRACE_MS = 2000

export class Voice {
  readonly #options: VoiceOptions
  readonly #outputs: FanOut
  readonly #startedMs = Date.now()
  #link: ResponderLink | undefined
  #status: Server | undefined
  /** What was wrong when it was last said. */
  #told: readonly string[] = []

  private constructor(options: VoiceOptions, outputs: FanOut) {
    this.#options = options
    this.#outputs = outputs
  }

  static async open(options: VoiceOptions): Promise<Voice> {
    const { config, services, hostname, hands } = options
    const voice = new Voice(options, await openOutputs(config, { ...services, hostname }))
    voice.#link = await openLink(config, services, () => voice.#heartbeat(), hands)
    return voice
  }

  /** From now on whoever asks on the status socket is answered. */
  async answer(): Promise<void> {
    const { config, condition } = this.#options
    this.#status = await openStatus(config, {
      metrics: () => this.metrics(),
      degraded: () => condition().degraded,
    })
  }

  /** Undefined where no responder is configured. */
  get link(): ResponderLink | undefined {
    return this.#link
  }

  /** False when the responder is to have it and it cannot be kept for it. */
  alert(judged: JudgedAlert): boolean {
    this.#outputs.write(judged)
    return this.#link?.alert(judged.alert) ?? true
  }

  notice(notice: InternalNotice): void {
    this.alert(internalAlert(notice, this.#options.identity))
  }

  /** Once a second: what outputs have dropped, and what has become wrong. */
  tick(timeNs: bigint): void {
    const dropped = this.#outputs.newDrops(timeNs)
    if (dropped !== undefined) this.notice(dropped)
    const { degraded } = this.#options.condition()
    if (degraded.join('\n') === this.#told.join('\n')) return
    for (const sentence of degraded.filter((one) => !this.#told.includes(one)))
      this.#options.services.say(sentence)
    this.#told = degraded
    this.#link?.changed()
  }

  /** What is wrong with whom it speaks to. */
  degraded(): string[] {
    const problem = this.#link?.status.problem
    return [
      ...[...this.#outputs.statuses.values()].flatMap((status) => status.problem ?? []),
      ...(problem === undefined ? [] : [`responder: ${problem}`]),
    ]
  }

  #heartbeat(): Heartbeat {
    const { identity, services, scope, condition } = this.#options
    const { judging, lost, degraded, isReady, strikes } = condition()
    const { loaded, ruleset, sha256 } = judging.rules
    return {
      ...identity,
      version: services.version,
      startedMs: this.#startedMs,
      sentMs: Date.now(),
      isReady,
      rules: { loaded, enabled: ruleset.rules.length, sha256 },
      events: { judged: judging.judged, lost: { ...lost } },
      scope,
      degraded: [...degraded],
      strikes,
      residentBytes: process.memoryUsage.rss(),
    }
  }

  metrics(): string {
    const { services, hostname, scope, condition } = this.#options
    const { judging, lost, degraded, liveProcesses, held } = condition()
    const { user, system } = process.cpuUsage()
    return printMetrics({
      version: services.version,
      scope,
      hostname,
      startedMs: this.#startedMs,
      reloadedMs: judging.rules.loadedMs,
      nowMs: Date.now(),
      ruleFiles: judging.rules.files,
      judged: judging.judged,
      lost: new Map(Object.entries(lost)),
      rules: matchedRules(judging).map(({ rule, matches }) => ({
        ...rule,
        rule: rule.name,
        matches,
      })),
      outputs: new Map([
        ...this.#outputs.statuses,
        ...(this.#link ? [['responder', this.#link.status] as const] : []),
      ]),
      liveProcesses,
      held,
      degraded,
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
    })
  }

  reopenOutputs(): void {
    this.#outputs.reopen()
  }

  async stop(): Promise<void> {
    await Promise.all([
      this.#outputs.stop(STOP_GRACE_MS),
      this.#link?.stop(STOP_GRACE_MS),
      closed(this.#status),
    ])
  }
}

/** Rules that matched, with how often. */
export const matchedRules = ({
  rules,
  matches: byName,
}: Judging): { rule: LoadedRule; matches: number }[] =>
  rules.ruleset.rules.flatMap((rule) => {
    const matches = byName.get(rule.name)
    return matches === undefined ? [] : [{ rule, matches }]
  })
