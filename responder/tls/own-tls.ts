/** A certificate that this responder makes for itself, and the CA that detectors find in a ConfigMap. */
import { readFileSync } from 'node:fs'
import type { SecureContextOptions } from 'node:tls'
import { messageOf } from '../errors.ts'
import { Rounds } from '../rounds.ts'
import type { Issued } from './certificate.ts'
import type { OwnAuthority } from './own-authority.ts'
import type { TlsSource } from './tls-source.ts'

export interface OwnTlsParts {
  readonly authority: OwnAuthority
  readonly names: readonly string[]
  readonly clientCaFile: string | null
  /** Puts the CA certificates where detectors look; null where nobody asked for it. */
  readonly publish: ((bundle: string) => Promise<void>) | null
  readonly nowMs: () => number
}

const lookMs = 10_000
/** Published again this often though nothing changed, so that others see that this replica lives. */
const publishMs = 6 * 3_600_000

export class OwnTls implements TlsSource {
  readonly isAskingClients: boolean
  readonly #parts: OwnTlsParts
  readonly #listeners: (() => void)[] = []
  readonly #rounds = new Rounds((message) => {
    this.#problem = message
  })
  #issued: Issued
  #published = { bundle: '', atMs: -Infinity }
  #problem: string | null = null

  constructor(parts: OwnTlsParts) {
    this.#parts = parts
    this.isAskingClients = parts.clientCaFile !== null
    parts.authority.keepUp()
    this.#issued = parts.authority.issue(parts.names)
  }

  /** Publishes and looks after it from now on; an API server that is away is no reason not to start. */
  start(): void {
    this.#rounds.every(lookMs, () => this.look())
    this.look().catch((error: unknown) => {
      this.#problem = messageOf(error)
    })
  }

  /** Renews and publishes what is due. */
  async look(): Promise<void> {
    const { authority, names } = this.#parts
    authority.keepUp()
    await this.#publish()
    if (authority.isDue(this.#issued.certificate)) {
      this.#issued = authority.issue(names)
      for (const listener of this.#listeners) listener()
    }
    this.#problem = null
  }

  async #publish(): Promise<void> {
    const { authority, publish, nowMs } = this.#parts
    if (publish === null) return
    const bundle = authority.bundle()
    const { bundle: before, atMs } = this.#published
    if (bundle === before && nowMs() - atMs < publishMs) return
    await publish(bundle)
    this.#published = { bundle, atMs: nowMs() }
  }

  readonly context = (): SecureContextOptions => {
    const { certificate: cert, key } = this.#issued
    const { clientCaFile } = this.#parts
    return clientCaFile === null
      ? { cert, key }
      : { cert, key, ca: readFileSync(clientCaFile, 'utf8') }
  }

  readonly degraded = () =>
    this.#problem === null ? [] : [`the CA certificate cannot be published: ${this.#problem}`]

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#rounds[Symbol.asyncDispose]()
  }
}
