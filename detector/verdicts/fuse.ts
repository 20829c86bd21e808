/** A fuse: after `max` acts within `perMs` it is blown until somebody resets it, so that a wrong rule cannot empty a node. */

export interface FuseLimit {
  readonly max: number
  readonly perMs: number
}

/** Takes the boot clock in milliseconds: the wall clock may jump. */
export class Fuse {
  readonly #limit: FuseLimit
  readonly #acts: number[] = []
  #blownAtMs: number | undefined

  constructor(limit: FuseLimit) {
    this.#limit = limit
  }

  /** One act that has happened (the kernel's) or is to happen. False when it is one too many: the fuse is blown from now on. */
  take(nowMs: number): boolean {
    if (this.#blownAtMs !== undefined) return false
    while (this.#acts[0] !== undefined && this.#acts[0] <= nowMs - this.#limit.perMs)
      this.#acts.shift()
    if (this.#acts.length >= this.#limit.max) {
      this.#blownAtMs = nowMs
      return false
    }
    this.#acts.push(nowMs)
    return true
  }

  get isBlown(): boolean {
    return this.#blownAtMs !== undefined
  }

  reset(): void {
    this.#blownAtMs = undefined
    this.#acts.length = 0
  }
}
