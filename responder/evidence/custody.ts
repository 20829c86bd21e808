/** The chain of custody: each file that a step keeps is in its manifest, and each manifest's SHA-256 is in the audit. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Target } from '../actions/action.ts'
import type { Ledger } from '../ledger/open.ts'
import type { Step } from '../step.ts'
import { EvidenceDamaged, EvidenceTooBig, EvidenceUnkept } from './errors.ts'
import type { Evidence, Given, Kept, KeptManifest } from './evidence.ts'
import { freeName, manifestName, safeName } from './names.ts'
import type { Content, EvidenceStore, Place } from './store.ts'

const fileSchema = z.looseObject({
  name: z.string(),
  bytes: z.int(),
  sha256: z.string(),
})

const manifestSchema = z.looseObject({
  step: z.string(),
  case: z.string(),
  alert: z.string(),
  action: z.string(),
  target: z.looseObject({ kind: z.string(), uid: z.string(), name: z.string() }),
  node: z.string(),
  /** RFC 3339: when the first and when the last file was kept. */
  takenAt: z.string(),
  changedAt: z.string(),
  files: z.array(fileSchema),
  /** SHA-256 of the manifest that this one replaced; null: it is the first. */
  previous: z.string().nullable(),
})
export type Manifest = z.infer<typeof manifestSchema>

/** Whose evidence it is. */
export interface Owner {
  readonly stepId: string
  readonly caseId: string
  readonly alertId: string
  readonly action: string
  readonly target: Target
}

export const ownerOf = ({ id, caseId, alertId, action, target }: Step): Owner => ({
  stepId: id,
  caseId,
  alertId,
  action,
  target,
})

interface Read {
  readonly manifest: Manifest
  readonly sha256: string
}

/** Of the audit's records that say what was kept: `body.manifest` is the SHA-256 of manifest.json. */
export const storedKind = 'evidence_stored'

const mostManifestBytes = 4 << 20

export class Custody {
  readonly #store: EvidenceStore
  readonly #ledger: Pick<Ledger, 'write' | 'clock'>
  readonly #maxBytes: number
  /** One file of a step after the other: each is in the manifest of the next. */
  readonly #queues = new Map<string, Promise<unknown>>()

  constructor(
    store: EvidenceStore,
    ledger: Pick<Ledger, 'write' | 'clock'>,
    maxBytesPerStep: number,
  ) {
    this.#store = store
    this.#ledger = ledger
    this.#maxBytes = maxBytesPerStep
  }

  of(owner: Owner, signal: AbortSignal): Evidence {
    return {
      put: (name, given, sha256) =>
        this.#inTurn(owner.stepId, () => this.#put(owner, name, given, sha256, signal)),
      manifest: () => this.manifestOf(owner),
    }
  }

  async manifestOf(owner: Pick<Owner, 'caseId' | 'stepId'>): Promise<KeptManifest | null> {
    const place = placeOf(owner, manifestName)
    const read = await this.#read(place)
    if (read === null) return null
    const files = read.manifest.files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }))
    return { where: this.#store.where(place), manifestSha256: read.sha256, files }
  }

  async #put(
    owner: Owner,
    given: string,
    content: Given,
    expected: string | undefined,
    signal: AbortSignal,
  ): Promise<Kept> {
    const at = placeOf(owner, manifestName)
    const before = await this.#read(at)
    const files = before?.manifest.files ?? []
    const wanted = safeName(given)
    // A node that did not hear our answer sends the same again.
    const same = files.find((file) => file['given'] === given && file.sha256 === expected)
    if (same !== undefined) {
      const { name, bytes, sha256 } = same
      return { where: this.#store.where(placeOf(owner, name)), name, bytes, sha256 }
    }
    const name = freeName(wanted, new Set(files.map((file) => file.name)))
    const place = placeOf(owner, name)
    const left = this.#maxBytes - files.reduce((sum, { bytes }) => sum + bytes, 0)
    const found = { bytes: 0, sha256: '' }
    await this.#store.put(place, measured(content, left, this.#maxBytes, expected, found), signal)
    const { bytes, sha256 } = found
    const where = this.#store.where(place)
    await this.#write(owner, at, before, { name, bytes, sha256, given }, where, signal)
    return { where, name, bytes, sha256 }
  }

  /** The manifest first: what the audit says is kept is kept. */
  async #write(
    { stepId, caseId, alertId, action, target }: Owner,
    at: Place,
    before: Read | null,
    file: Manifest['files'][number],
    where: string,
    signal: AbortSignal,
  ): Promise<void> {
    const now = new Date(this.#ledger.clock.nowMs()).toISOString()
    const manifest: Manifest = {
      step: stepId,
      case: caseId,
      alert: alertId,
      action,
      target: { ...target },
      node: target.node,
      takenAt: before?.manifest.takenAt ?? now,
      changedAt: now,
      files: [...(before?.manifest.files ?? []), file],
      previous: before?.sha256 ?? null,
    }
    const bytes = Buffer.from(JSON.stringify(manifest, undefined, 2))
    await this.#store.put(at, only(bytes), signal)
    const body = { case: caseId, where, file, manifest: sha256Of(bytes) }
    await this.#ledger.write((writing) =>
      writing.audit({ kind: storedKind, subject: stepId, body }),
    )
  }

  async #read(place: Place): Promise<Read | null> {
    const content = await this.#store.get(place)
    if (content === undefined) return null
    const bytes = await whole(content)
    const read = manifestSchema.safeParse(parse(bytes))
    if (!read.success)
      throw new EvidenceUnkept(`${this.#store.where(place)} is no manifest; move it away`)
    return { manifest: read.data, sha256: sha256Of(bytes) }
  }

  async #inTurn<Result>(stepId: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#queues.get(stepId) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#queues.set(stepId, mine)
    try {
      return await mine
    } finally {
      if (this.#queues.get(stepId) === mine) this.#queues.delete(stepId)
    }
  }
}

const placeOf = ({ caseId, stepId }: Pick<Owner, 'caseId' | 'stepId'>, name: string): Place => ({
  caseId: safeName(caseId),
  stepId: safeName(stepId),
  name,
})

/** Passes on what fits, and fills in `found`; throws at the first byte too many, and at the end when it is another. */
async function* measured(
  given: Given,
  left: number,
  most: number,
  expected: string | undefined,
  found: { bytes: number; sha256: string },
): Content {
  const hash = createHash('sha256')
  for await (const chunk of chunksOf(given)) {
    found.bytes += chunk.length
    if (found.bytes > left)
      throw new EvidenceTooBig(
        `a step keeps ${most} bytes at most: take less, or raise evidence.maxBytesPerStep`,
      )
    hash.update(chunk)
    yield chunk
  }
  found.sha256 = hash.digest('hex')
  if (expected !== undefined && expected !== found.sha256)
    throw new EvidenceDamaged(`SHA-256 ${expected} was announced, ${found.sha256} arrived`)
}

function chunksOf(given: Given): Content {
  if (typeof given === 'string') return only(Buffer.from(given))
  return given instanceof Uint8Array ? only(given) : given
}

// oxlint-disable-next-line typescript/require-await -- an async iterable of what is here already
async function* only(bytes: Uint8Array): Content {
  yield bytes
}

async function whole(content: Content): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of content) {
    bytes += chunk.length
    if (bytes > mostManifestBytes) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
