/** Steps that this process takes up itself: some of each lane at once, a few more wait their turn in memory. */
import { concurrency } from './queue.ts'
import { lanes, type Lane } from './step.ts'

/** Waiting steps a lane. They are ready in the ledger: the sweep of a responder with room takes them from here. */
const mostWaiting = 200

interface Seats {
  taken: number
  /** In the order in which they came. */
  readonly waiting: Set<string>
}

export class Room {
  /** Never rejects. */
  readonly #work: (stepId: string) => Promise<void>
  readonly #seats = new Map<Lane, Seats>(
    lanes.map((lane) => [lane, { taken: 0, waiting: new Set() }]),
  )
  #isClosed = false

  constructor(work: (stepId: string) => Promise<void>) {
    this.#work = work
  }

  /** False: no room, or it has waited here since it was offered before; then it is to go by the queue. */
  offer(stepId: string, lane: Lane): boolean {
    const seats = this.#seats.get(lane)
    if (seats === undefined || this.#isClosed || seats.waiting.has(stepId)) return false
    if (seats.taken < concurrency[lane].here) this.#seat(seats, stepId)
    else if (seats.waiting.size < mostWaiting) seats.waiting.add(stepId)
    else return false
    return true
  }

  /** What waits is left to the ledger. */
  close(): void {
    this.#isClosed = true
    for (const { waiting } of this.#seats.values()) waiting.clear()
  }

  #seat(seats: Seats, stepId: string): void {
    seats.taken++
    void this.#work(stepId).then(() => {
      seats.taken--
      const [next] = seats.waiting
      if (next === undefined) return
      seats.waiting.delete(next)
      this.#seat(seats, next)
    })
  }
}
