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

/** What a writing transaction is handed: the rows, the time, and the pen for the audit. */
export interface Writing {
  readonly rows: Transaction<Tables>
  readonly nowMs: number
  /** Appends to the chain, in this transaction: the change and its record are durable together or not at all. */
  readonly audit: (entry: AuditEntry) => Promise<void>
}

/**
 * `onCommit` is called when the work is committed but, on SQLite, perhaps not yet durable: for what only a later write
 * makes visible to the world, which is then durable together with this one. Must not throw.
 */
export type Write = <Result>(
  work: (writing: Writing) => Promise<Result>,
  onCommit?: (result: Result) => void,
) => Promise<Result>

/** A work that came later than this after the transaction began waits for the next one. */
const fullAfterMs = 8

interface Waiting {
  /** Returns what to tell the caller. Rejects only when the whole transaction is to be given up. */
  readonly perform: (batch: Batch) => Promise<Told>
  readonly reject: (error: unknown) => void
}

interface Told extends Pick<Waiting, 'reject'> {
  readonly committed: () => void
  readonly done: () => void
}

/** How the database at hand commits. */
export interface Store {
  readonly rows: Kysely<Tables>
  /** Resolves when all that was committed before is on the disk; null: a commit is. */
  readonly sync: (() => Promise<void>) | null
}

export function openWriter(store: Store, clock: Clock): Write {
  const statements = statementsOf(store.rows)
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
    const isAlone = waiting.length === 1
    const next = () => (isAlone && taken.length > 0 ? undefined : waiting.shift())
    try {
      if (broken !== null) throw broken
      const told = await store.rows.transaction().execute(async (tx) => {
        const batch = await Batch.begin(tx, statements, clock, isAlone)
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
    const done = () => {
      for (const one of told) one.done()
    }
    if (store.sync === null) done()
    else
      store.sync().then(done, (cause: unknown) => {
        broken ??= new LedgerRefused(`the ledger could not be synced: ${messageOf(cause)}`, {
          cause,
        })
        for (const { reject } of told) reject(broken)
      })
  }

  return (work, onCommit) =>
    new Promise((resolve, reject) => {
      const perform = async (batch: Batch) => {
        const result = await batch.attempt(work)
        const isFailed = 'error' in result
        return {
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
      waiting.push({ perform, reject })
      if (!isRunning) void run()
    })
}

interface Head {
  readonly seq: number
  readonly hash: string
}
const noHead: Head = { seq: 0, hash: '' }

/** What every transaction runs, compiled once: to build a statement costs more than to run it. */
const statementsOf = (rows: Kysely<Tables>) => ({
  takeHead: rows
    .updateTable('audit_head')
    .set((eb) => ({ seq: eb('seq', '+', 0) }))
    .where('id', '=', 1)
    .returning(['seq', 'hash'])
    .compile(),
  putHead: rows.updateTable('audit_head').set(noHead).where('id', '=', 1).compile(),
  append: rows
    .insertInto('audit')
    .values(chain(noHead, 0, { kind: '', subject: '', body: {} }))
    .compile(),
  savepoint: sql`savepoint work`.compile(rows),
  release: sql`release savepoint work`.compile(rows),
  rollback: sql`rollback to savepoint work`.compile(rows),
})
type Statements = ReturnType<typeof statementsOf>

type Attempted<Result> = { readonly value: Result } | { readonly error: unknown }

/** One transaction. It begins by taking the row of the audit's head, which puts those of all replicas in one order. */
class Batch {
  readonly #rows: Transaction<Tables>
  readonly #statements: Statements
  readonly #clock: Clock
  /** The work is the only one: the transaction itself takes back what it did. */
  readonly #isAlone: boolean
  readonly #taken: Head
  #head: Head

  private constructor(
    rows: Transaction<Tables>,
    statements: Statements,
    clock: Clock,
    isAlone: boolean,
    head: Head,
  ) {
    this.#rows = rows
    this.#statements = statements
    this.#clock = clock
    this.#isAlone = isAlone
    this.#taken = head
    this.#head = head
  }

  static async begin(
    rows: Transaction<Tables>,
    statements: Statements,
    clock: Clock,
    isAlone: boolean,
  ): Promise<Batch> {
    const [head] = (await rows.executeQuery(statements.takeHead)).rows
    if (head === undefined) throw new LedgerRefused('the audit of the ledger has no head')
    return new Batch(rows, statements, clock, isAlone, head)
  }

  /** A work that throws leaves nothing behind, and the others stand. Rejects when the transaction itself is to be lost. */
  async attempt<Result>(work: (writing: Writing) => Promise<Result>): Promise<Attempted<Result>> {
    if (this.#isAlone) return { value: await work(this.#writing()) }
    const before = this.#head
    await this.#rows.executeQuery(this.#statements.savepoint)
    try {
      const value = await work(this.#writing())
      await this.#rows.executeQuery(this.#statements.release)
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
      await this.#rows.executeQuery(this.#statements.rollback)
      await this.#rows.executeQuery(this.#statements.release)
    } catch {
      throw error
    }
  }

  #writing(): Writing {
    const rows = this.#rows
    const { append } = this.#statements
    const nowMs = this.#clock.nowMs()
    return {
      rows,
      nowMs,
      audit: async (entry) => {
        const row = chain(this.#head, nowMs, entry)
        await rows.executeQuery({ ...append, parameters: Object.values(row) })
        this.#head = row
      },
    }
  }

  async end(): Promise<void> {
    const { seq, hash } = this.#head
    if (this.#head === this.#taken) return
    await this.#rows.executeQuery({ ...this.#statements.putHead, parameters: [seq, hash, 1] })
  }
}
