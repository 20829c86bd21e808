/** The kernel's judge from user space: rules and orders in, what it did out. One for the life of a detector. */
import type { Strike as StrikeTold } from '../../contract/alert.ts'
import { interpret } from '../../contract/condition/interpret.ts'
import { noPods } from '../../contract/protected-pods.ts'
import type { Heartbeat, Orders } from '../../contract/verdict.ts'
import type { RunningRule } from '../engine/ruleset.ts'
import type { Event } from '../events/event.ts'
import { recordFlags } from '../events/schema.ts'
import type { BpfObject } from '../native.ts'
import type { Process } from '../state/process.ts'
import { processBytes, processKey } from './layout.ts'
import { type KernelTables, openTables, u32, variablesOf } from './kernel-tables.ts'
import { MAX_STRIKES, readCounts, setMode, writeOrder } from './orders.ts'
import { StruckPods } from './struck-pods.ts'
import { compileStrikes, strikeKey, type Strike, type Unavailable } from './strikes.ts'
import { buildTables, type TableText } from './tables.ts'

export interface JudgeOptions {
  /** By event id. */
  readonly eventNames: readonly string[]
  /** Events that user space needs whatever the rules say. */
  readonly isKept: (eventName: string) => boolean
  readonly isFiltering: boolean
  /** Programs of the host that are never struck, by path; a directory ends in a slash. */
  readonly guardedPrograms: readonly string[]
  /** Inode of the host's mount namespace; 0 when it is not known: then every path counts as the host's. */
  readonly hostMounts: number
  /** Processes of our own: never struck. */
  readonly ownPids: () => readonly number[]
}

/** A strike hit what its rule does not match: it is out of force until its policy changes. */
export interface Disarmed {
  readonly policy: string
  readonly rule: string
}

const GUARDED = 1n << 3n
const FROM_MEMFD = 4
const TRAITS = { exists: 1, isFromMemfd: 2 }

export class Judge {
  readonly #options: JudgeOptions
  #object: BpfObject | undefined
  #tables: KernelTables | undefined
  #rules: readonly RunningRule<Event>[] = []
  #orders: Orders['strikes'] = { generation: '', orders: [], protectedPods: noPods }
  /** By bit. A strike keeps its bit for as long as it is in force, so that records under way mean the same. */
  #strikes: (Strike | undefined)[] = []
  #unavailable: readonly Unavailable[] = []
  readonly #disarmed = new Set<string>()
  /** Kills of tables that are no longer in force. */
  readonly #killsBefore = new Map<string, number>()
  #isKillSwitchOn = false
  readonly pods = new StruckPods()

  constructor(options: JudgeOptions) {
    this.#options = options
  }

  /** A freshly loaded riposte.bpf.o, before its processes are known. */
  bind(object: BpfObject): void {
    this.#object = object
    this.#tables = openTables(object)
    this.setKillSwitch(this.#isKillSwitchOn)
    variablesOf(object).words('judge_host_mounts')[0] = this.#options.hostMounts
    this.pods.bind(object)
    this.#load()
  }

  /** The rules in force, after their events are attached. */
  setRules(rules: readonly RunningRule<Event>[]): void {
    this.#rules = rules
    this.#load()
  }

  takeStrikes(orders: Orders['strikes']): void {
    if (orders.generation === this.#orders.generation) return
    this.#orders = orders
    this.pods.protect(orders.protectedPods)
    this.#load()
  }

  /** Processes that the kernel did not see begin. */
  learn(processes: Iterable<Process>): void {
    const object = this.#object
    if (object === undefined) return
    const own = new Set(this.#options.ownPids())
    for (const process of processes) {
      if (own.has(process.pid)) this.#protect(process)
      if (process.name === undefined) continue
      const key = processKey(process.pid, process.startTimeNs)
      if (object.lookup('judge_processes', key) === undefined)
        object.update('judge_processes', key, processBytes(known(process, process.name)))
    }
  }

  #protect({ pid, startTimeNs }: Process): void {
    this.#object?.update('judge_protected', u32(pid), processKey(0, startTimeNs).subarray(0, 8))
  }

  setKillSwitch(isOn: boolean): void {
    this.#isKillSwitchOn = isOn
    if (this.#object !== undefined)
      variablesOf(this.#object).words('judge_kill_switch')[0] = Number(isOn)
  }

  strikesOf(event: Event, rule: string): StrikeTold[] {
    return this.#hit(event)
      .filter((strike) => strike.rule.name === rule)
      .map(({ order }) => ({
        policy: order.policy,
        policyGeneration: order.policyGeneration,
        mode: (event.view.flags & recordFlags.struck) === 0 ? 'audit' : order.mode,
        scope: order.scope,
      }))
  }

  /** Asks the whole rule of each strike that hit; those that do not match are taken out of force. */
  confirm(event: Event): Disarmed[] {
    const wrong = this.#hit(event).filter(({ rule }) => !interpret(rule.bound, event))
    return wrong
      .filter((strike) => this.#disarm(strike))
      .map(({ order, rule }) => ({ policy: order.policy, rule: rule.name }))
  }

  heartbeat(): Heartbeat['strikes'] {
    const active = this.#strikes.flatMap((strike, index) =>
      strike === undefined || this.#disarmed.has(strikeKey(strike))
        ? []
        : [
            {
              policy: strike.order.policy,
              rule: strike.rule.name,
              mode: strike.order.mode,
              kills: this.#kills(strike, index),
            },
          ],
    )
    return { generation: this.#orders.generation, active, unavailable: [...this.#unavailable] }
  }

  #hit({ view }: Event): Strike[] {
    if (view.strikes === 0n) return []
    return this.#strikes
      .filter(
        (strike, index) => strike !== undefined && (view.strikes >> BigInt(index)) % 2n === 1n,
      )
      .filter((strike) => strike !== undefined)
  }

  #disarm(strike: Strike): boolean {
    const key = strikeKey(strike)
    if (this.#object === undefined || this.#disarmed.has(key)) return false
    this.#disarmed.add(key)
    const half = (this.#tables?.generation ?? 0) & 1
    setMode(this.#object, half, this.#strikes.indexOf(strike), 'off')
    this.#unavailable = [...this.#unavailable, disarmedReason(strike)]
    return true
  }

  #kills(strike: Strike, index: number): number {
    const half = (this.#tables?.generation ?? 0) & 1
    const now = this.#object === undefined ? 0n : readCounts(this.#object, half, index).killed
    return Number(now) + (this.#killsBefore.get(strikeKey(strike)) ?? 0)
  }

  /** Writes everything anew and makes it current at once. */
  #load(): void {
    const object = this.#object
    const tables = this.#tables
    if (object === undefined || tables === undefined) return
    const { eventNames } = this.#options
    const { strikes, unavailable } = compileStrikes(this.#orders.orders, this.#rules, eventNames)
    const armed = strikes.filter((strike) => !this.#disarmed.has(strikeKey(strike)))
    const placed = this.#place(armed)
    const built = buildTables({
      ...this.#options,
      rules: this.#rules,
      strikes: placed.flatMap((strike, index) =>
        (strike?.clauses ?? []).map((one) => ({ ...one, strike: index })),
      ),
    })
    const refused = new Map(built.refused.map(({ strike, reason }) => [strike, reason]))
    const half = (tables.generation + 1) & 1
    placed.forEach((strike, index) => {
      const mode = strike === undefined || refused.has(index) ? 'off' : strike.order.mode
      writeOrder(object, half, index, strike, mode)
    })
    this.#strikes.forEach((strike, index) => {
      if (strike !== undefined) this.#killsBefore.set(strikeKey(strike), this.#kills(strike, index))
    })
    tables.load({ ...built, texts: [...built.texts, ...this.#guards()] })
    this.#strikes = placed.map((strike, index) => (refused.has(index) ? undefined : strike))
    this.#unavailable = [
      ...unavailable,
      ...strikes.filter((one) => !armed.includes(one)).map(disarmedReason),
      ...armed.filter((one) => !placed.includes(one)).map(noRoom),
      ...placed.flatMap((strike, index) => {
        const reason = refused.get(index)
        return strike === undefined || reason === undefined ? [] : [unavailableFor(strike, reason)]
      }),
    ]
  }

  #guards(): TableText[] {
    return this.#options.guardedPrograms.map((text) => ({
      scope: 'programs',
      kind: text.endsWith('/') ? 'exe_start' : 'exe',
      text,
      mask: GUARDED,
    }))
  }

  #place(strikes: readonly Strike[]): (Strike | undefined)[] {
    const wanted = new Map(strikes.map((strike) => [strikeKey(strike), strike]))
    const placed = this.#strikes.map((before) => {
      const key = before === undefined ? '' : strikeKey(before)
      const strike = wanted.get(key)
      wanted.delete(key)
      return strike
    })
    // A bit that was just given up waits for a generation: records of its old meaning may be under way.
    const isFree = (index: number) =>
      placed[index] === undefined && this.#strikes[index] === undefined
    for (const strike of wanted.values()) {
      const index = Array.from({ length: MAX_STRIKES }, (_, bit) => bit).find(isFree)
      if (index !== undefined) placed[index] = strike
    }
    return Array.from(placed, (strike) => strike)
  }
}

function known(process: Process, name: string) {
  const { pid, startTimeNs, exePath, exeFlags, parent, parentPid } = process
  return {
    pid,
    startTimeNs,
    name,
    path: exePath,
    traits: TRAITS.exists | ((exeFlags & FROM_MEMFD) === 0 ? 0 : TRAITS.isFromMemfd),
    parent: parent ?? (parentPid === 0 ? 'none' : 'unknown'),
  } as const
}

const unavailableFor = ({ order, rule }: Strike, reason: string): Unavailable => ({
  policy: order.policy,
  rule: rule.name,
  reason,
})
const disarmedReason = (strike: Strike) =>
  unavailableFor(strike, 'disarmed: it hit what the rule does not match')
const noRoom = (strike: Strike) => unavailableFor(strike, `more than ${MAX_STRIKES} strikes`)
