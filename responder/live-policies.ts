/** The policies as they hold at this moment: files, set modes, open fuses; and what nodes and gates are told of them. */
import type { ProtectedPods } from '../contract/protected-pods.ts'
import type { Action } from './actions/action.ts'
import type { ProtectedEntry } from './gates/gate.ts'
import type { NodeHub } from './http/node-hub.ts'
import type { Ledger } from './ledger/open.ts'
import { listTrips, setPolicyMode } from './ledger/switches.ts'
import { readOverrides } from './overrides.ts'
import { policyModeNow } from './plan.ts'
import { watchPolicies, type PolicyWatch } from './policy/directory.ts'
import type { InForce, ModeOverride } from './policy/in-force.ts'
import { protectedBy } from './policy/protected.ts'
import { combineSets } from './policy/combine.ts'
import { noGuard, type PolicySet } from './policy/policy.ts'
import type { Mode } from './policy/schema.ts'
import { strikesOf } from './policy/strikes.ts'
import type { Person } from './containments.ts'

/** How often the ledger is asked what people have set at other responders, and which fuses its gates have opened. */
const refreshMs = 500

export interface LivePoliciesParts {
  readonly directory: string
  readonly lastGoodFile: string
  readonly actions: readonly Action[]
  readonly ledger: Ledger
  readonly hub: NodeHub
  /** Protected whatever the guard files say. */
  readonly builtIn: readonly ProtectedEntry[]
  readonly builtInPods: ProtectedPods
  /** The files changed: they are in force, or have problems. */
  readonly onFiles: (policies: PolicyWatch) => void
  readonly log: (message: string) => void
}

export interface PolicyObjects {
  readonly set: () => PolicySet
  readonly degraded: () => readonly string[]
}

export class LivePolicies implements Disposable {
  /** Changes in place: the gates hold on to it. */
  readonly protected: ProtectedEntry[] = []
  readonly #parts: LivePoliciesParts
  #files: PolicyWatch | undefined
  #overrides: ReadonlyMap<string, ModeOverride> = new Map()
  #tripped: ReadonlySet<string> = new Set()
  #objects: PolicyObjects | undefined
  /** What `#combined` was made from: asked for at each alert, it changes now and then. */
  #sets: readonly PolicySet[] = []
  #combined: PolicySet = { policies: [], guard: noGuard, generation: 'empty' }
  #timer: NodeJS.Timeout | undefined

  constructor(parts: LivePoliciesParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    await this.#read()
    const { directory, actions, lastGoodFile, onFiles } = this.#parts
    const onChange = () => {
      // The first look happens while the watch is being made.
      if (this.#files === undefined) return
      this.#apply()
      onFiles(this.#files)
    }
    this.#files = watchPolicies({ directory, actions, lastGoodFile, onChange })
    onChange()
    let isReading = false
    this.#timer = setInterval(() => {
      if (isReading) return
      isReading = true
      this.refresh()
        .catch((error: unknown) => {
          this.#parts.log(`the policies' modes cannot be read: ${String(error)}`)
        })
        .finally(() => {
          isReading = false
        })
    }, refreshMs)
  }

  files(): PolicyWatch {
    if (this.#files === undefined) throw new Error('LivePolicies was not started')
    return this.#files
  }

  readonly inForce = (): InForce => ({ set: this.#set(), overrides: this.#overrides })

  /** Objects of the API server beside the files; of two policies with one name the file's holds. */
  useObjects(objects: PolicyObjects): void {
    this.#objects = objects
    this.#apply()
  }

  objectsChanged(): void {
    if (this.#objects !== undefined) this.#apply()
  }

  /** A guard that says killSwitch leaves only audit. Undefined: the policy is not loaded any more. */
  readonly modeOf = (name: string): Mode | undefined => {
    const mode = policyModeNow(this.inForce(), name)
    return mode === 'enforce' && this.isStopped() ? 'audit' : mode
  }

  isStopped(): boolean {
    return this.#set().guard.isKillSwitchOn
  }

  /** In the ledger and its audit first, then in force here and on the nodes. */
  async setMode(policy: string, mode: Mode | null, who: Person): Promise<void> {
    await setPolicyMode(this.#parts.ledger, policy, mode, who)
    await this.refresh()
  }

  async refresh(): Promise<void> {
    await this.#read()
    this.#apply()
  }

  degraded(): readonly string[] {
    const { length } = this.files().problems()
    return [
      ...(length > 0
        ? [`the policy files have ${length} problems; the policies before them stay in force`]
        : []),
      ...(this.#objects?.degraded() ?? []),
      ...(this.isStopped() ? ['a guard file says killSwitch: true; everything is in audit'] : []),
    ]
  }

  async #read(): Promise<void> {
    const { ledger } = this.#parts
    this.#overrides = await readOverrides(ledger)
    this.#tripped = new Set((await listTrips(ledger)).map(({ policy }) => policy))
  }

  #set(): PolicySet {
    const sets = [this.files().set(), ...(this.#objects === undefined ? [] : [this.#objects.set()])]
    if (sets.some((set, index) => set !== this.#sets[index])) {
      this.#sets = sets
      this.#combined = combineSets(sets)
    }
    return this.#combined
  }

  #apply(): void {
    const { hub, builtIn, builtInPods } = this.#parts
    const isTripped = (policy: string) => this.isStopped() || this.#tripped.has(policy)
    hub.setStrikes(strikesOf(this.inForce(), isTripped, builtInPods))
    const guard = protectedBy(this.#set().guard)
    this.protected.splice(0, this.protected.length, ...builtIn, ...guard)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#files?.stop()
  }
}
