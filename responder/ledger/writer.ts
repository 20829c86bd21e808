/**
 * All writing of this process, one transaction after another. What waits meanwhile shares the next one: each work
 * stands behind a savepoint of its own, and one commit (one fsync) makes all of them durable.
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import { chain, type AuditEntry } from './chain.ts'
import type { Clock } from './clock.ts'
import type { Tables } from './tables.ts'

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

export type Write = <Result>(
  work: (writing: Writing) => Promise<Result>,
  durability?: Durability,
) => Promise<Result>

/** A work that came later than this after the transaction began waits for the next one. */
const fullAfterMs = 8

interface Waiting {
  readonly durability: Durability
  /** Never rejects: returns what to tell the caller once the transaction is committed. */
  readonly perform: (batch: Batch) => Promise<() => void>
  readonly reject: (error: unknown) => void
}

/** A transaction of the given durability, as the database at hand has it. */
export type Transact = <Result>(
  durability: Durability,
  work: (tx: Transaction<Tables>) => Promise<Result>,
) => Promise<Result>

export const sqliteTransact =
  (rows: Kysely<Tables>): Transact =>
  (durability, work) => {
    if (durability === 'now') return rows.transaction().execute(work)
    return rows.connection().execute(async (connection) => {
      await sql`pragma synchronous = normal`.execute(connection)
      try {
        return await connection.transaction().execute(work)
      } finally {
        await sql`pragma synchronous = full`.execute(connection)
      }
    })
  }

export const postgresTransact =
  (rows: Kysely<Tables>): Transact =>
  (durability, work) =>
    rows.transaction().execute(async (tx) => {
      if (durability === 'later') await sql`set local synchronous_commit = off`.execute(tx)
      return work(tx)
    })

export function openWriter(transact: Transact, clock: Clock): Write {
  const waiting: Waiting[] = []
  let isRunning = false

  async function run(): Promise<void> {
    isRunning = true
    while (waiting.length > 0) await commitSome()
    isRunning = false
  }

  async function commitSome(): Promise<void> {
    const taken: Waiting[] = []
    const durability = waiting.every((one) => one.durability === 'later') ? 'later' : 'now'
    const next = () =>
      waiting[0]?.durability === 'now' && durability === 'later' ? undefined : waiting.shift()
    try {
      const told = await transact(durability, async (tx) => {
        const batch = await Batch.begin(tx, clock)
        const tell: (() => void)[] = []
        const fullMs = performance.now() + fullAfterMs
        for (let one = next(); one !== undefined; one = next()) {
          taken.push(one)
          tell.push(await one.perform(batch))
          if (performance.now() >= fullMs) break
        }
        await batch.end()
        return tell
      })
      for (const tell of told) tell()
    } catch (error) {
      // It did not begin: whoever is first is told, the next may find it works again.
      if (taken.length === 0) taken.push(...waiting.splice(0, 1))
      for (const { reject } of taken) reject(error)
    }
  }

  return (work, durability = 'now') =>
    new Promise((resolve, reject) => {
      const perform = async (batch: Batch) => {
        const result = await batch.attempt(work)
        return () => {
          if ('error' in result) reject(result.error)
          else resolve(result.value)
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
  readonly #taken: Head
  #head: Head

  private constructor(rows: Transaction<Tables>, clock: Clock, head: Head) {
    this.#rows = rows
    this.#clock = clock
    this.#taken = head
    this.#head = head
  }

  static async begin(rows: Transaction<Tables>, clock: Clock): Promise<Batch> {
    const head = await rows
      .updateTable('audit_head')
      .set((eb) => ({ seq: eb('seq', '+', 0) }))
      .where('id', '=', 1)
      .returning(['seq', 'hash'])
      .executeTakeFirstOrThrow()
    return new Batch(rows, clock, head)
  }

  /** A work that throws leaves nothing behind, and the others stand. Rejects when the transaction itself is lost. */
  async attempt<Result>(work: (writing: Writing) => Promise<Result>): Promise<Attempted<Result>> {
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
