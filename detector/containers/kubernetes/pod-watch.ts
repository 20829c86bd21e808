/**
 * The pods of this node: one list and one watch, both with `spec.nodeName=`, so that a cluster's API servers deliver each
 * pod to one detector. Bookmarks keep the place; a place that is forgotten (410) begins with a list again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { backoffMs } from '../../spool/backoff.ts'
import type { PodSource } from '../pods.ts'
import { type Api, ApiAway } from './api.ts'
import { type KnownPod, podFrom, podObjectSchema } from './pod.ts'

export interface PodWatchOptions {
  readonly api: Api
  readonly node: string
  /** A pod is new, or has changed. */
  readonly onPod: (pod: KnownPod) => void
  readonly random: () => number
}

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  items: z.array(podObjectSchema),
})
const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: podObjectSchema }),
  z.object({
    type: z.literal('BOOKMARK'),
    object: z.object({ metadata: z.object({ resourceVersion: z.string() }) }),
  }),
  z.object({
    type: z.literal('ERROR'),
    object: z.object({ code: z.number().nullish(), message: z.string().nullish() }),
  }),
])

const GONE = 410
/** The server ends a watch after so long; a fleet's do not end together. */
const WATCH_SECONDS = 300
/** The server sends a bookmark a minute: a watch that is silent for longer than it may last is none. */
const SILENCE_MS = (2 * WATCH_SECONDS + 60) * 1000

export class PodWatch implements PodSource {
  readonly #options: PodWatchOptions
  readonly #stopping = new AbortController()
  readonly #selector: string
  readonly #byUid = new Map<string, KnownPod>()
  readonly #byConfigHash = new Map<string, KnownPod>()
  #version: string | undefined
  #problem: string | undefined = 'not asked yet'
  #firstAnswer = Promise.withResolvers<void>()
  #running: Promise<void> = Promise.resolve()
  /** Requests made: one list and one watch, unless something goes wrong. */
  readonly counts = { lists: 0, watches: 0 }

  constructor(options: PodWatchOptions) {
    this.#options = options
    this.#selector = `fieldSelector=${encodeURIComponent(`spec.nodeName=${options.node}`)}`
  }

  /** Resolves when the API server has answered once, well or ill. */
  start(): Promise<void> {
    this.#running = this.#run()
    return this.#firstAnswer.promise
  }

  find(uid: string): KnownPod | undefined {
    return this.#byUid.get(uid) ?? this.#byConfigHash.get(uid)
  }

  get isInSync(): boolean {
    return this.#problem === undefined
  }

  get size(): number {
    return this.#byUid.size
  }

  degraded(): readonly string[] {
    return this.#problem === undefined
      ? []
      : [`Kubernetes API: ${this.#problem}; new pods have no owner and no service account`]
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#options.api.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    /* oxlint-disable no-await-in-loop -- one request at a time */
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list()
        await this.#watch()
        failures = 0
      } catch (cause) {
        if (!(cause instanceof ApiAway || cause instanceof z.ZodError) && !signal.aborted)
          throw cause
        if (signal.aborted) break
        this.#fail(cause)
        await sleep(backoffMs(failures++, this.#options.random), undefined, { signal }).catch(
          () => undefined,
        )
      }
    }
    /* oxlint-enable no-await-in-loop */
    this.#firstAnswer.resolve()
  }

  #fail(cause: unknown): void {
    if (cause instanceof ApiAway && cause.status === GONE) this.#version = undefined
    else this.#problem = cause instanceof ApiAway ? cause.message : 'its answer has another form'
    this.#firstAnswer.resolve()
  }

  /** From the server's cache: what it has now is recent enough, the watch goes on from there. */
  async #list(): Promise<void> {
    this.counts.lists++
    const path = `/api/v1/pods?${this.#selector}&resourceVersion=0`
    const { signal } = this.#stopping
    const { metadata, items } = listSchema.parse(await this.#options.api.get(path, signal))
    const before = new Set(this.#byUid.keys())
    for (const item of items) {
      before.delete(item.metadata.uid)
      this.#keep(podFrom(item))
    }
    for (const uid of before) this.#forget(uid)
    this.#version = metadata.resourceVersion
  }

  async #watch(): Promise<void> {
    this.counts.watches++
    const seconds = WATCH_SECONDS + Math.round(this.#options.random() * WATCH_SECONDS)
    const path =
      `/api/v1/pods?${this.#selector}&watch=1&allowWatchBookmarks=true` +
      `&resourceVersion=${this.#version}&timeoutSeconds=${seconds}`
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(SILENCE_MS)])
    await this.#options.api.watch(path, signal, {
      onOpen: () => {
        this.#problem = undefined
        this.#firstAnswer.resolve()
      },
      onObject: (object) => this.#take(eventSchema.parse(object)),
    })
  }

  #take(event: z.infer<typeof eventSchema>): void {
    if (event.type === 'ERROR') {
      const { code, message } = event.object
      throw new ApiAway(message ?? 'its watch ended with an error', code ?? 0)
    }
    const { metadata } = event.object
    this.#version = metadata.resourceVersion ?? this.#version
    if (event.type === 'BOOKMARK') return
    if (event.type === 'DELETED') this.#forget(event.object.metadata.uid)
    else this.#keep(podFrom(event.object))
  }

  #keep(known: KnownPod): void {
    this.#byUid.set(known.pod.uid, known)
    if (known.configHash !== undefined) this.#byConfigHash.set(known.configHash, known)
    this.#options.onPod(known)
  }

  #forget(uid: string): void {
    const known = this.#byUid.get(uid)
    this.#byUid.delete(uid)
    if (known?.configHash !== undefined && this.#byConfigHash.get(known.configHash) === known)
      this.#byConfigHash.delete(known.configHash)
  }
}
