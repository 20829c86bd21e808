/**
 * CAs of this responder's own, each one file in its data directory that only its owner reads. A new one is made when
 * two thirds of the newest one's life are over, and signs once everybody had time to learn of it.
 */
import { createPrivateKey, createPublicKey, randomBytes, X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issueAuthority, issueServer, type Issued, type Signer } from './certificate.ts'

const day = 86_400_000
const authorityLifeMs = 365 * day
const serverLifeMs = 60 * day
/** Clocks of nodes may be behind. */
const backdateMs = 3_600_000
/** Detectors look every five minutes, and at once when a certificate is not believed. */
const learnMs = 3_600_000

interface Authority {
  readonly file: string
  readonly certificate: string
  readonly signer: Signer
  readonly madeMs: number
  readonly endsMs: number
}

export class OwnAuthority {
  readonly #directory: string
  readonly #host: string
  readonly #nowMs: () => number
  #authorities: readonly Authority[] = []

  constructor(directory: string, host: string, nowMs: () => number) {
    this.#directory = directory
    this.#host = host
    this.#nowMs = nowMs
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#authorities = readdirSync(directory)
      .filter((name) => /^ca-\w+\.pem$/.test(name))
      .map((name) => readAuthority(join(directory, name)))
      .toSorted((a, b) => a.madeMs - b.madeMs)
  }

  /** Makes the next one when it is time, and forgets what has ended. */
  keepUp(): void {
    const now = this.#nowMs()
    for (const { file, endsMs } of this.#authorities) if (endsMs <= now) rmSync(file)
    this.#authorities = this.#authorities.filter(({ endsMs }) => endsMs > now)
    const newest = this.#authorities.at(-1)
    if (newest === undefined || now >= newest.madeMs + (authorityLifeMs * 2) / 3)
      this.#authorities = [...this.#authorities, this.#make(now)]
  }

  /** Certificates of all that may sign, now or soon: what who calls this responder is to believe. PEM. */
  bundle(): string {
    return this.#authorities.map(({ certificate }) => certificate).join('')
  }

  issue(names: readonly string[]): Issued {
    const now = this.#nowMs()
    const { signer, endsMs } = this.#signing(now)
    const toMs = Math.min(now + serverLifeMs, endsMs)
    return issueServer(names, { fromMs: now - backdateMs, toMs }, signer)
  }

  /** Whether a certificate has lived for two thirds of its time, or another CA signs now. */
  isDue(certificate: string): boolean {
    const { issuer, validToDate } = new X509Certificate(certificate)
    const now = this.#nowMs()
    const isOld = now >= validToDate.getTime() - serverLifeMs / 3
    return isOld || issuer !== `CN=${this.#signing(now).signer.name}`
  }

  #signing(now: number): Authority {
    const learnt = this.#authorities.filter(({ madeMs }) => now >= madeMs + learnMs)
    const signing = learnt.at(-1) ?? this.#authorities[0]
    if (signing === undefined) throw new Error('keepUp makes the first CA')
    return signing
  }

  #make(now: number): Authority {
    const id = randomBytes(6).toString('hex')
    const lifetime = { fromMs: now - backdateMs, toMs: now + authorityLifeMs }
    const { certificate, key } = issueAuthority(
      `riposte ${id} on ${this.#host}`.slice(0, 64),
      lifetime,
    )
    const file = join(this.#directory, `ca-${id}.pem`)
    // Whole or not at all: a crash leaves no half of a key.
    writeFileSync(`${file}.new`, key + certificate, { mode: 0o600 })
    renameSync(`${file}.new`, file)
    return readAuthority(file)
  }
}

function readAuthority(file: string): Authority {
  const text = readFileSync(file, 'utf8')
  const certificate = text.slice(text.indexOf('-----BEGIN CERTIFICATE-----'))
  const { subject, validFromDate, validToDate } = new X509Certificate(certificate)
  const key = createPrivateKey(text)
  return {
    file,
    certificate,
    signer: { name: subject.slice('CN='.length), key, publicKey: createPublicKey(key) },
    madeMs: validFromDate.getTime() + backdateMs,
    endsMs: validToDate.getTime(),
  }
}
