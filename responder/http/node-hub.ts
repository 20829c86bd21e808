/** The responder's side of every node: verdicts that wait to be fetched, answers that come back, heartbeats. */
import { noPods } from '../../contract/protected-pods.ts'
import type { Answer, Heartbeat, Orders, StrikeOrder, Verdict } from '../../contract/verdict.ts'
import { NodeUnavailable } from '../actions/errors.ts'
import type { HubNews, NewsOf } from './hub-news.ts'

export interface Strikes extends Pick<Orders['strikes'], 'generation' | 'protectedPods'> {
  readonly orders: readonly StrikeOrder[]
}

export interface SeenNode {
  readonly node: string
  readonly heartbeat: Heartbeat | null
  readonly seenMs: number
  readonly waiting: number
}

interface Outstanding {
  readonly verdict: Verdict
  /** When it was last handed out; a node answers a repeat with its first answer. */
  sentMs: number
  readonly settle: (result: Answer | Error) => void
  /** Of an order that another responder waits for: it is known here as long as that one says so. */
  readonly keep: (() => void) | null
}

interface NodeState {
  readonly outstanding: Map<string, Outstanding>
  /** Wakes the poll that waits, if any. */
  wake: () => void
  toldKillSwitch: boolean | null
  heartbeat: Heartbeat | null
  seenMs: number
}

/** An order whose answer did not come is handed out again after this. */
const resendMs = 5000
/** Another responder's order that was not told again for so long is nobody's any more. */
const othersMs = 3 * resendMs
const maxOutstanding = 1000
const maxNodes = 10_000
const nodeDownMs = 15_000

export class NodeHub {
  readonly #tell: (news: HubNews) => void
  readonly #nodes = new Map<string, NodeState>()
  #strikes: Strikes = { generation: '', orders: [], protectedPods: noPods }
  #isKillSwitchOn = false

  /** `tell` reaches every other responder: a node polls where it likes. */
  constructor(tell: (news: HubNews) => void = () => undefined) {
    this.#tell = tell
  }

  setStrikes(strikes: Strikes): void {
    this.#strikes = strikes
    this.#wakeAll()
  }

  setKillSwitch(isOn: boolean): void {
    this.#isKillSwitchOn = isOn
    this.#wakeAll()
  }

  /** One verdict, one answer; rejects with NodeUnavailable at the verdict's deadline, at once when `signal` aborts. */
  ask(node: string, verdict: Verdict, signal?: AbortSignal): Promise<Answer> {
    const state = this.#node(node)
    const key = orderKey(verdict)
    if (state.outstanding.size >= maxOutstanding)
      return Promise.reject(
        new NodeUnavailable(`${maxOutstanding} orders already wait for ${node}`),
      )
    return new Promise((resolve, reject) => {
      const giveUp = (why: string) => {
        settle(new NodeUnavailable(why))
      }
      const timer = setTimeout(
        () => {
          giveUp(`${node} did not answer in time`)
        },
        Math.max(0, verdict.deadlineMs - Date.now()),
      )
      const tellOthers = () => {
        this.#tell({ kind: 'order', node, verdict })
      }
      // Again and again: who has just started, or lost Redis for a while, is to know it too.
      const telling = setInterval(tellOthers, resendMs)
      const onAbort = () => {
        giveUp(`gave up on ${node}: ${String(signal?.reason)}`)
      }
      const settle = (result: Answer | Error) => {
        clearTimeout(timer)
        clearInterval(telling)
        signal?.removeEventListener('abort', onAbort)
        if (state.outstanding.get(key) === order) state.outstanding.delete(key)
        if (!(result instanceof Error)) return resolve(result)
        this.#tell({ kind: 'withdrawn', node, key })
        reject(result)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const order: Outstanding = { verdict, sentMs: 0, settle, keep: null }
      state.outstanding.set(key, order)
      state.wake()
      tellOthers()
      if (signal?.aborted === true) onAbort()
    })
  }

  /** Waits up to `waitMs` for something that the node does not have yet. */
  async orders(
    node: string,
    heldStrikes: string,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Orders> {
    const state = this.#node(node)
    state.seenMs = Date.now()
    const endMs = Date.now() + waitMs
    while (!this.#hasNews(state, heldStrikes) && Date.now() < endMs && !signal.aborted)
      await nextWake(state, Math.min(endMs - Date.now(), nextResendMs(state)), signal)
    // A caller that went away gets nothing: what it would have taken stays for its next poll.
    const due = signal.aborted ? [] : dueOrders(state)
    for (const order of due) order.sentMs = Date.now()
    if (!signal.aborted) state.toldKillSwitch = this.#isKillSwitchOn
    return {
      verdicts: due.map(({ verdict }) => verdict),
      strikes: { ...this.#strikes, orders: [...this.#strikes.orders] },
      killSwitch: this.#isKillSwitchOn,
    }
  }

  /** The answer to `orders` never reached the node: everything in it is handed out again at the next poll. */
  takeBack(node: string, orders: Orders): void {
    const state = this.#node(node)
    state.toldKillSwitch = null
    for (const verdict of orders.verdicts) {
      const order = state.outstanding.get(orderKey(verdict))
      if (order !== undefined) order.sentMs = 0
    }
  }

  /** False when nobody waits for it any more; that is no fault of the node. */
  answer(node: string, answer: Answer): boolean {
    const order = this.#node(node).outstanding.get(`${answer.operation}/${answer.id}`)
    order?.settle(answer)
    this.#tell({ kind: 'answer', node, answer })
    return order !== undefined
  }

  heartbeat(node: string, heartbeat: Heartbeat): void {
    this.#beat({ kind: 'heartbeat', node, heartbeat })
    this.#tell({ kind: 'heartbeat', node, heartbeat })
  }

  /** What another responder told. */
  hear(news: HubNews): void {
    const { outstanding } = this.#node(news.node)
    if (news.kind === 'heartbeat') this.#beat(news)
    if (news.kind === 'order') this.#keepFor(news)
    if (news.kind === 'answer')
      outstanding.get(`${news.answer.operation}/${news.answer.id}`)?.settle(news.answer)
    if (news.kind === 'withdrawn') {
      const order = outstanding.get(news.key)
      if (order?.keep) order.settle(new NodeUnavailable('withdrawn'))
    }
  }

  #beat({ node, heartbeat }: NewsOf<'heartbeat'>): void {
    const state = this.#node(node)
    state.heartbeat = heartbeat
    state.seenMs = Date.now()
  }

  /** Hands it out should the node poll here; the answer is told to everybody. */
  #keepFor({ node, verdict }: NewsOf<'order'>): void {
    const state = this.#node(node)
    const key = orderKey(verdict)
    const known = state.outstanding.get(key)
    if (known !== undefined) return known.keep?.()
    if (state.outstanding.size >= maxOutstanding) return
    const settle = () => {
      clearTimeout(timer)
      if (state.outstanding.get(key) === order) state.outstanding.delete(key)
    }
    const timer = setTimeout(settle, Math.min(othersMs, verdict.deadlineMs - Date.now()))
    const order: Outstanding = { verdict, sentMs: 0, settle, keep: () => timer.refresh() }
    state.outstanding.set(key, order)
    state.wake()
  }

  seen(): readonly SeenNode[] {
    return [...this.#nodes].map(([node, { heartbeat, seenMs, outstanding }]) => ({
      node,
      heartbeat,
      seenMs,
      waiting: outstanding.size,
    }))
  }

  /** One sentence each; empty is healthy (invariant I9). */
  degraded(nowMs: number): readonly string[] {
    return this.seen().flatMap(({ node, heartbeat, seenMs }) => [
      ...(seenMs > 0 && nowMs - seenMs > nodeDownMs
        ? [`node ${node} was last heard ${Math.round((nowMs - seenMs) / 1000)} s ago`]
        : []),
      ...(heartbeat?.degraded ?? []).map((reason) => `node ${node}: ${reason}`),
    ])
  }

  /** Ends every wait: the server is closing. */
  close(): void {
    for (const [node, { outstanding, wake }] of this.#nodes) {
      for (const { settle } of outstanding.values())
        settle(new NodeUnavailable(`the responder stops before ${node} answered`))
      wake()
    }
  }

  #hasNews(state: NodeState, heldStrikes: string): boolean {
    return (
      dueOrders(state).length > 0 ||
      heldStrikes !== this.#strikes.generation ||
      state.toldKillSwitch !== this.#isKillSwitchOn
    )
  }

  #wakeAll(): void {
    for (const { wake } of this.#nodes.values()) wake()
  }

  #node(node: string): NodeState {
    const known = this.#nodes.get(node)
    if (known !== undefined) return known
    if (this.#nodes.size >= maxNodes) throw new NodeUnavailable(`more than ${maxNodes} nodes`)
    const state: NodeState = {
      outstanding: new Map(),
      wake: () => {},
      toldKillSwitch: null,
      heartbeat: null,
      seenMs: 0,
    }
    this.#nodes.set(node, state)
    return state
  }
}

const orderKey = ({ operation, id }: Verdict) => `${operation}/${id}`

const dueOrders = ({ outstanding }: NodeState) =>
  [...outstanding.values()].filter(({ sentMs }) => Date.now() - sentMs >= resendMs)

const nextResendMs = ({ outstanding }: NodeState) => {
  const dueMs = Math.min(...[...outstanding.values()].map(({ sentMs }) => sentMs + resendMs))
  return Math.max(10, dueMs - Date.now())
}

function nextWake(state: NodeState, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      if (state.wake === done) state.wake = () => {}
      resolve()
    }
    const timer = setTimeout(done, timeoutMs)
    signal.addEventListener('abort', done, { once: true })
    // Two polls of one node: the newer is woken, the older runs into its own time.
    state.wake = done
  })
}
