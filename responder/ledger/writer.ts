/**
 * All writing of this process, one transaction after another. What waits meanwhile shares the next one: each work
 * stands behind a savepoint of its own, and one commit (one fsync) makes all of them durable.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { sql, type Kysely, type Transaction } from 'kysely'
import { LedgerRefused, messageOf } from '../errors.ts'
import { chain, type AuditEntry } from './chain.ts'
import type { Clock } from './clock.ts'
import type { Tables } from './tables.ts'
import type { WalSync } from './wal-sync.ts'

/** What a writing transaction is handed: the rows, the time, and the pen for the audit. */
export interface Writing {
  readonly rows: Transaction<Tables>
  readonly nowMs: number
  /** Appends to the chain, in this transaction: the change and its record are durable together or not at all. */
  readonly audit: (entry: AuditEntry) => Promise<void>
}

/**
 * `later`: it may be lost in a power cut (never by kill -9) as long as nothing that was written after it is kept, and
 * costs no fsync of its own. For what only says who works on something.
 */
type Durability = 'now' | 'later'

/**
 * `onCommit` is called when the work is committed but, on SQLite, perhaps not yet durable: for what only a later write
 * makes visible to the world, which is then durable together with this one. Must not throw.
 */
export type Write = <Result>(
  work: (writing: Writing) => Promise<Result>,
  durability?: Durability,
  onCommit?: (result: Result) => void,
) => Promise<Result>

/** A work that came later than this after the transaction began waits for the next one. */
const fullAfterMs = 8

interface Waiting {
  readonly durability: Durability
  /** Returns what to tell the caller. Rejects only when the whole transaction is to be given up. */
  readonly perform: (batch: Batch) => Promise<Told>
  readonly reject: (error: unknown) => void
}

interface Told extends Pick<Waiting, 'durability' | 'reject'> {
  readonly committed: () => void
  readonly done: () => void
}

/** How the database at hand commits. */
export interface Store {
  readonly transact: <Result>(
    durability: Durability,
    work: (tx: Transaction<Tables>) => Promise<Result>,
  ) => Promise<Result>
  /** Resolves when all that was committed before is on the disk; null: a commit `now` is. */
  readonly sync: (() => Promise<void>) | null
}

export const sqliteStore = (rows: Kysely<Tables>, wal: WalSync): Store => ({
  transact: (_durability, work) => rows.transaction().execute(work),
  sync: () => wal.sync(),
})

export const postgresStore = (rows: Kysely<Tables>): Store => ({
  transact: (durability, work) =>
    rows.transaction().execute(async (tx) => {
      if (durability === 'later') await sql`set local synchronous_commit = off`.execute(tx)
      return work(tx)
    }),
  sync: null,
})

export function openWriter(store: Store, clock: Clock): Write {
  const waiting: Waiting[] = []
  let isRunning = false
  /** After a sync that failed nobody knows what the disk has, and a second one may lie: only a new start can tell. */
  let broken: LedgerRefused | null = null

  async function run(): Promise<void> {
    isRunning = true
    while (waiting.length > 0) {
      // Everything that came in together is written together.
      await turn()
      await commitSome()
    }
    isRunning = false
  }

  async function commitSome(): Promise<void> {
    const taken: Waiting[] = []
    const durability = waiting.every((one) => one.durability === 'later') ? 'later' : 'now'
    const isAlone = waiting.length === 1
    const next = () => {
      if (isAlone && taken.length > 0) return undefined
      const isLess = durability === 'later' && waiting[0]?.durability === 'now'
      return isLess && store.sync === null ? undefined : waiting.shift()
    }
    try {
      if (broken !== null) throw broken
      const told = await store.transact(durability, async (tx) => {
        const batch = await Batch.begin(tx, clock, isAlone)
        const all: Told[] = []
        const fullMs = performance.now() + fullAfterMs
        for (let one = next(); one !== undefined; one = next()) {
          taken.push(one)
          all.push(await one.perform(batch))
          if (performance.now() >= fullMs) break
        }
        await batch.end()
        return all
      })
      tell(told)
    } catch (error) {
      // It did not begin: whoever is first is told, the next may find it works again.
      if (taken.length === 0) taken.push(...waiting.splice(0, 1))
      for (const { reject } of taken) reject(error)
    }
  }

  function tell(told: readonly Told[]): void {
    for (const { committed } of told) committed()
    const isDurable = ({ durability }: Told) => store.sync === null || durability === 'later'
    for (const one of told) if (isDurable(one)) one.done()
    const rest = told.filter((one) => !isDurable(one))
    if (rest.length === 0 || store.sync === null) return
    store.sync().then(
      () => {
        for (const { done } of rest) done()
      },
      (cause: unknown) => {
        broken ??= new LedgerRefused(`the ledger could not be synced: ${messageOf(cause)}`, {
          cause,
        })
        for (const { reject } of rest) reject(broken)
      },
    )
  }

  return (work, durability = 'now', onCommit) =>
    new Promise((resolve, reject) => {
      const perform = async (batch: Batch) => {
        const result = await batch.attempt(work)
        const isFailed = 'error' in result
        return {
          durability,
          reject,
          committed: () => {
            if (!isFailed) onCommit?.(result.value)
          },
          done: () => {
            if (isFailed) reject(result.error)
            else resolve(result.value)
          },
        }
      }
      waiting.push({ durability, perform, reject })
      if (!isRunning) void run()
    })
}

type Attempted<Result> = { readonly value: Result } | { readonly error: unknown }

/** One transaction. It begins by taking the row of the audit's head, which puts those of all replicas in one order. */
class Batch {
  readonly #rows: Transaction<Tables>
  readonly #clock: Clock
  /** The work is the only one: the transaction itself takes back what it did. */
  readonly #isAlone: boolean
  readonly #taken: Head
  #head: Head

  private constructor(rows: Transaction<Tables>, clock: Clock, isAlone: boolean, head: Head) {
    this.#rows = rows
    this.#clock = clock
    this.#isAlone = isAlone
    this.#taken = head
    this.#head = head
  }

  static async begin(rows: Transaction<Tables>, clock: Clock, isAlone: boolean): Promise<Batch> {
    const head = await rows
      .updateTable('audit_head')
      .set((eb) => ({ seq: eb('seq', '+', 0) }))
      .where('id', '=', 1)
      .returning(['seq', 'hash'])
      .executeTakeFirstOrThrow()
    return new Batch(rows, clock, isAlone, head)
  }

  /** A work that throws leaves nothing behind, and the others stand. Rejects when the transaction itself is to be lost. */
  async attempt<Result>(work: (writing: Writing) => Promise<Result>): Promise<Attempted<Result>> {
    if (this.#isAlone) return { value: await work(this.#writing()) }
    const before = this.#head
    await sql`savepoint work`.execute(this.#rows)
    try {
      const value = await work(this.#writing())
      await sql`release savepoint work`.execute(this.#rows)
      return { value }
    } catch (error) {
      this.#head = before
      await this.#takeBack(error)
      return { error }
    }
  }

  /** A full disk ends the whole transaction, and the savepoint with it: then the error itself is what to say. */
  async #takeBack(error: unknown): Promise<void> {
    try {
      await sql`rollback to savepoint work`.execute(this.#rows)
      await sql`release savepoint work`.execute(this.#rows)
    } catch {
      throw error
    }
  }

  #writing(): Writing {
    const rows = this.#rows
    const nowMs = this.#clock.nowMs()
    return {
      rows,
      nowMs,
      audit: async (entry) => {
        const row = chain(this.#head, nowMs, entry)
        await rows.insertInto('audit').values(row).execute()
        this.#head = row
      },
    }
  }

  async end(): Promise<void> {
    const { seq, hash } = this.#head
    if (this.#head === this.#taken) return
    await this.#rows.updateTable('audit_head').set({ seq, hash }).where('id', '=', 1).execute()
  }
}

interface Head {
  readonly seq: number
  readonly hash: string
}
