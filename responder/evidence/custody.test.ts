import { expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needs } from '../../scripts/needs.ts'
import { listAudit } from '../ledger/audit.ts'
import { openLedger, type Ledger } from '../ledger/open.ts'
import { Custody, type Owner } from './custody.ts'
import { keep, noEvidence } from './evidence.ts'
import { localStore } from './local.ts'
import { freeName, safeName } from './names.ts'

const owner: Owner = {
  stepId: 'step1',
  caseId: 'case1',
  alertId: 'a'.repeat(32),
  action: 'get_logs',
  target: { kind: 'pod', uid: 'u', name: 'pod shop/web-0', node: 'node-a', namespace: 'shop' },
}
const never = new AbortController().signal
const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')

interface Bench extends AsyncDisposable {
  readonly folder: string
  readonly ledger: Ledger
  readonly custody: (maxBytes?: number) => Custody
}

async function open(folder = mkdtempSync(join(tmpdir(), 'riposte-evidence-'))): Promise<Bench> {
  const data = mkdtempSync(join(tmpdir(), 'riposte-ledger-'))
  const ledger = await openLedger({ file: join(data, 'ledger.db') })
  return {
    folder,
    ledger,
    custody: (maxBytes = 1 << 20) => new Custody(localStore(folder), ledger, maxBytes),
    async [Symbol.asyncDispose]() {
      await ledger[Symbol.asyncDispose]()
      rmSync(data, { recursive: true })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

test('what a step keeps is in its manifest, and the SHA-256 of the manifest is in the audit', async () => {
  await using bench = await open()
  const evidence = bench.custody().of(owner, never)

  const first = await evidence.put('web.log', 'hello')
  await evidence.put('sidecar.log', Buffer.from('there'))

  const path = join(bench.folder, 'case1', 'step1', 'manifest.json')
  expect(first).toEqual({
    where: join(bench.folder, 'case1', 'step1', 'web.log'),
    name: 'web.log',
    bytes: 5,
    sha256: sha256('hello'),
  })
  expect(readFileSync(first?.where ?? '', 'utf8')).toBe('hello')
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  expect(manifest).toMatchObject({
    step: 'step1',
    case: 'case1',
    action: 'get_logs',
    node: 'node-a',
    target: { name: 'pod shop/web-0' },
    files: [
      { name: 'web.log', bytes: 5, sha256: sha256('hello') },
      { name: 'sidecar.log', bytes: 5, sha256: sha256('there') },
    ],
  })
  const [latest, before] = await listAudit(bench.ledger, { subject: 'step1', limit: 10 })
  expect(latest).toMatchObject({
    kind: 'evidence_stored',
    body: { manifest: sha256(readFileSync(path)), file: { name: 'sidecar.log' } },
  })
  expect(manifest.previous).toBe(before?.body['manifest'])
  expect(await evidence.manifest()).toMatchObject({
    where: path,
    manifestSha256: latest?.body['manifest'],
  })
})

test('nothing that is kept is written over, and the same again is not kept twice', async () => {
  await using bench = await open()
  const evidence = bench.custody().of(owner, never)
  await Promise.all([evidence.put('a.log', 'one'), evidence.put('a.log', 'two')])
  expect(await evidence.put('a.log', 'three', sha256('three'))).toMatchObject({ name: 'a.3.log' })
  expect(await evidence.put('a.log', 'three', sha256('three'))).toMatchObject({ name: 'a.3.log' })
  expect((await evidence.manifest())?.files.map(({ name }) => name)).toEqual([
    'a.log',
    'a.2.log',
    'a.3.log',
  ])
})

test('what arrives damaged, or is more than a step may keep, is refused and leaves nothing', async () => {
  await using bench = await open()
  const evidence = bench.custody(8).of(owner, never)
  await expect(evidence.put('a', 'hello', sha256('other'))).rejects.toMatchObject({
    code: 'evidence_damaged',
    retryable: true,
  })
  await evidence.put('b', 'hello')
  await expect(evidence.put('c', '1234')).rejects.toMatchObject({ code: 'evidence_too_big' })
  expect(readdirSync(join(bench.folder, 'case1', 'step1')).toSorted()).toEqual([
    'b',
    'manifest.json',
  ])
})

test('a file that fails does not keep the next from being kept', async () => {
  await using bench = await open()
  const evidence = bench.custody(8).of(owner, never)
  const failing = evidence.put('a', 'too much of it')
  const next = evidence.put('b', 'fits')
  await expect(failing).rejects.toMatchObject({ code: 'evidence_too_big' })
  expect(await next).toMatchObject({ name: 'b' })
})

test('a name from outside leads nowhere else', async () => {
  await using bench = await open()
  const evidence = bench.custody().of({ ...owner, caseId: '../../etc' }, never)
  const kept = await evidence.put('../../../etc/passwd\n', 'x')
  expect(kept?.where).toBe(join(bench.folder, '___.._etc', 'step1', '___.._.._etc_passwd_'))
  expect(await evidence.put('manifest.json', 'x')).toMatchObject({ name: '_manifest.json' })
  expect(safeName('Manifest.JSON')).toBe('_Manifest.JSON')
  expect(safeName('')).toBe('_')
  expect(safeName(`${'ü'.repeat(500)}.pcap`)).toBe(`${'_'.repeat(195)}.pcap`)
  const long = safeName('n'.repeat(500))
  expect(freeName(long, new Set([long])).length).toBeLessThanOrEqual(200)
})

needs('root')('a full disk is said in a sentence, and is tried again later', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'riposte-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
  try {
    await using bench = await open(join(folder, 'evidence'))
    const evidence = bench.custody().of(owner, never)
    await expect(evidence.put('big', Buffer.alloc(200_000))).rejects.toMatchObject({
      code: 'evidence_unkept',
      retryable: true,
      message: expect.stringContaining('the disk is full'),
    })
    expect(existsSync(join(folder, 'evidence/case1/step1/big.part'))).toBe(false)
    expect(await evidence.put('small', 'x')).toMatchObject({ bytes: 1 })
  } finally {
    execFileSync('umount', [folder])
    rmSync(folder, { recursive: true })
  }
})

test('a manifest that somebody spoilt is not built upon', async () => {
  await using bench = await open()
  const evidence = bench.custody().of(owner, never)
  const { where = '' } = (await evidence.put('a', 'x')) ?? {}
  writeFileSync(join(where, '..', 'manifest.json'), '{')
  await expect(evidence.put('b', 'y')).rejects.toMatchObject({ code: 'evidence_unkept' })
})

test('without a store the end of a text goes into the effect', async () => {
  expect(await keep({ evidence: noEvidence }, 'a', 'hello')).toEqual({
    text: 'hello',
    isTruncated: false,
  })
  const long = await keep({ evidence: noEvidence }, 'a', `${'x'.repeat(20_000)}end`)
  expect(long).toMatchObject({ isTruncated: true, text: expect.stringMatching(/^x{16381}end$/) })
})
