/** Who runs where: containers as runtimes tell them, pods as the API server does, joined as each becomes known. */
import type { Amendment } from '../../contract/alert.ts'
import type { Pod } from '../../contract/kubernetes.ts'
import type { JudgedAlert } from '../alerts/judged.ts'
import type { EventView } from '../events/view.ts'
import type { Container, ContainerFacts } from '../state/container.ts'
import type { State } from '../state/state.ts'
import type { Judgement } from '../judge-again.ts'
import { Amendments } from './amendments.ts'
import type { Connections } from './connections.ts'
import { Hold } from './hold.ts'
import type { KnownPod } from './kubernetes/pod.ts'
import type { PodStrikes } from './pod-strikes.ts'
import { Lookups } from './lookups.ts'
import type { PodSource } from './pods.ts'
import { Suspended, type SuspendedLimits } from './suspended.ts'

export interface IdentityOptions {
  readonly state: Pick<State, 'containers' | 'processes'>
  readonly connections: Pick<
    Connections,
    'check' | 'lookUp' | 'haveAllAnswered' | 'degraded' | 'stop'
  >
  /** Undefined outside Kubernetes. */
  readonly pods: PodSource | undefined
  /** Undefined where no kernel strikes. */
  readonly strikes: PodStrikes | undefined
  /** Where records go that wait for nothing more. */
  readonly deliver: (view: EventView) => void
  readonly send: (amendment: Amendment) => void
  readonly holdMs: number
  readonly holdBytes: number
  /** The defaults if not said. */
  readonly suspended?: Partial<SuspendedLimits>
  readonly nowMs: () => number
}

const POD_WAIT_MS = 5000
const SWEEP_TICKS = 60

export class Identity {
  readonly #options: IdentityOptions
  readonly #hold: Hold
  readonly #lookups: Lookups
  readonly #amendments: Amendments
  readonly #suspended: Suspended
  readonly #awaitedSince = new WeakMap<Container, number>()
  /** No process was in them when last looked. */
  #unused = new Set<Container>()
  #ticks = 0
  /** Dropped judgements up to the last two sweeps: newer ones show as degraded, the others in the metrics alone. */
  #droppedBefore = 0
  #droppedAtSweep = 0

  constructor(options: IdentityOptions) {
    this.#options = options
    const { state, connections, deliver, holdMs, holdBytes, nowMs, send } = options
    const { containers } = state
    this.#hold = new Hold({ state, deliver, holdMs, holdBytes })
    this.#amendments = new Amendments({ pending: () => containers.pending, send })
    this.#suspended = new Suspended({ nowMs, limits: options.suspended ?? {} })
    this.#lookups = new Lookups({
      connections,
      nowMs,
      onFacts: (container, facts) => this.#learn(container, facts),
      onUnknown: (container) => this.#settle(container),
    })
    containers.onNew = (container) => {
      if (container.podUid !== undefined) this.#options.strikes?.expect()
      this.#join(container)
      this.#lookups.want(container)
    }
  }

  get onRecord(): (view: EventView) => void {
    return this.#hold.onRecord
  }

  /** Of every alert that goes out. */
  noteAlert(judged: JudgedAlert): void {
    this.#amendments.note(judged)
  }

  /** Its rules hang on what is not known of the container. */
  suspend(container: Container, keep: () => Judgement): void {
    this.#suspended.add(container, keep)
  }

  /** A pod of this node is new, or has changed. */
  podChanged({ pod, configHash }: KnownPod): void {
    for (const container of this.#options.state.containers) {
      const uid = uidOf(container)
      if (uid === undefined || (uid !== pod.uid && uid !== configHash)) continue
      this.#join(container)
      this.#settleIfComplete(container)
    }
  }

  /** Once a second. */
  tick(): void {
    void this.#options.connections.check()
    if (++this.#ticks % SWEEP_TICKS === 0) {
      this.#sweep()
      this.#options.strikes?.sweep()
      this.#droppedBefore = this.#droppedAtSweep
      this.#droppedAtSweep = this.#suspended.counts.dropped
    }
    this.#suspended.expire()
    // A pod that the API server cannot tell now is what its runtime says, and one that it could not is its own again.
    for (const container of this.#options.state.containers.pending) {
      this.#join(container)
      this.#settleIfComplete(container)
    }
  }

  /** What no process has been in twice is forgotten. */
  #sweep(): void {
    const { containers, processes } = this.#options.state
    const used = new Set<Container>()
    for (const { container } of processes.live()) if (container !== undefined) used.add(container)
    const unused = new Set<Container>()
    for (const container of containers) {
      if (used.has(container)) continue
      if (!this.#unused.has(container)) {
        unused.add(container)
        continue
      }
      this.#lookups.drop(container)
      this.#settle(container)
      containers.forget(container)
    }
    this.#unused = unused
  }

  /** Since the start: records that waited, containers judged before they were known, and what became of that. */
  get held(): Readonly<Hold['counts'] & Suspended['counts']> {
    return { ...this.#hold.counts, ...this.#suspended.counts }
  }

  degraded(): readonly string[] {
    const { connections, pods } = this.#options
    const { dropped } = this.#amendments.counts
    const lost = this.#suspended.counts.dropped - this.#droppedBefore
    return [
      ...connections.degraded(),
      ...(pods?.degraded() ?? []),
      ...(lost > 0
        ? [
            `${lost} events were judged without what their container is, and not again: rules on image, mounts and privileges may have missed`,
          ]
        : []),
      ...(dropped > 0 ? [`${dropped} alerts stay without a name: too many waited for one`] : []),
    ]
  }

  async stop(): Promise<void> {
    this.#lookups.stop()
    this.#hold.releaseAll()
    this.#options.connections.stop()
    await this.#options.pods?.stop()
  }

  #learn(container: Container, facts: ContainerFacts): void {
    container.facts = facts
    this.#join(container)
    this.#settleIfComplete(container)
    if (!container.isPending) this.#suspended.settle(container)
  }

  #join(container: Container): void {
    const uid = uidOf(container)
    if (uid === undefined) return
    const { pods } = this.#options
    const known = pods?.find(uid)
    if (known !== undefined) {
      container.pod = known.pod
      container.probes = known.probes.get(container.facts?.name ?? '') ?? []
    } else if (pods?.isInSync !== true && container.facts !== undefined) {
      container.pod ??= podOf(container.facts)
    }
    const { pod, podUid } = container
    if (pod !== undefined && podUid !== undefined) this.#options.strikes?.tell(podUid, pod)
  }

  #settleIfComplete(container: Container): void {
    const { facts, isPending, pod } = container
    if (!isPending || facts === undefined) return
    const isPodAwaited = uidOf(container) !== undefined && this.#options.pods?.isInSync === true
    if (pod !== undefined || !isPodAwaited) this.#settle(container)
    else if (this.#hasWaited(container)) {
      container.pod = podOf(facts)
      this.#settle(container)
    }
  }

  /** The API server has had time enough to tell a pod that its kubelet runs already. */
  #hasWaited(container: Container): boolean {
    const nowMs = this.#options.nowMs()
    const since = this.#awaitedSince.get(container)
    if (since === undefined) this.#awaitedSince.set(container, nowMs)
    return since !== undefined && nowMs - since > POD_WAIT_MS
  }

  #settle(container: Container): void {
    if (!container.isPending) return
    this.#options.state.containers.settle(container)
    // Without a word of its runtime they wait on: it may still tell.
    const wrong = container.facts === undefined ? [] : this.#suspended.settle(container)
    this.#hold.settle(container)
    this.#amendments.settle(container, new Set(wrong))
  }
}

const uidOf = ({ facts, podUid }: Container): string | undefined => facts?.pod?.uid ?? podUid

/** As far as the runtime was told by the kubelet: neither service account nor owners. */
function podOf({ pod, isHostNetwork }: ContainerFacts): Pod | undefined {
  if (pod === undefined) return undefined
  const { uid, namespace, name, labels, annotations } = pod
  return {
    uid,
    namespace,
    name,
    serviceAccount: '',
    priorityClass: null,
    isHostNetwork,
    labels,
    annotations,
    owners: [],
  }
}
