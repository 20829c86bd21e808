import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { OwnAuthority } from './own-authority.ts'

const day = 86_400_000
let directory: string
let nowMs: number
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'riposte-tls-'))
  nowMs = Date.UTC(2026, 10, 21)
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

function open() {
  const authority = new OwnAuthority(join(directory, 'tls'), 'host-a', () => nowMs)
  authority.keepUp()
  return authority
}
const certificates = (bundle: string) =>
  bundle
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter(Boolean)
    .map((text) => new X509Certificate(text))
const names = ['riposte.riposte.svc', 'localhost', '10.0.0.7', 'fd00::1:2', '::1']

test('a certificate says every name, and is signed by the CA that is published', () => {
  const authority = open()
  const issued = new X509Certificate(authority.issue(names).certificate)
  const [ca] = certificates(authority.bundle())
  expect(ca?.ca).toBe(true)
  expect(issued.ca).toBe(false)
  expect(ca !== undefined && issued.verify(ca.publicKey) && issued.checkIssued(ca)).toBe(true)
  for (const name of ['riposte.riposte.svc', 'localhost']) expect(issued.checkHost(name)).toBe(name)
  for (const address of ['10.0.0.7', 'fd00::1:2', '::1'])
    expect(issued.checkIP(address)).not.toBeUndefined()
  expect(issued.checkHost('other.svc')).toBeUndefined()
  expect(issued.checkIP('10.0.0.8')).toBeUndefined()
})

test('openssl finds nothing wrong with either', () => {
  const authority = open()
  const { certificate } = authority.issue(names)
  const ca = join(directory, 'ca.pem')
  const server = join(directory, 'server.pem')
  const { writeFileSync } = process.getBuiltinModule('node:fs')
  writeFileSync(ca, authority.bundle())
  writeFileSync(server, certificate)
  const at = ['-attime', String(nowMs / 1000), '-x509_strict', '-purpose', 'sslserver']
  const { stdout, stderr, error } = spawnSync(
    'openssl',
    ['verify', ...at, '-verify_hostname', 'localhost', '-CAfile', ca, server],
    { encoding: 'utf8' },
  )
  expect(error ?? stdout + stderr).toBe(`${server}: OK\n`)
})

test('only its owner reads the key, and a restart finds the same CA', () => {
  const first = open()
  const [file = ''] = readdirSync(join(directory, 'tls'))
  expect(statSync(join(directory, 'tls', file)).mode & 0o777).toBe(0o600)
  expect(readFileSync(join(directory, 'tls', file), 'utf8')).toMatch('PRIVATE KEY')
  expect(first.bundle()).not.toMatch('PRIVATE KEY')
  expect(open().bundle()).toBe(first.bundle())
})

test('the next CA is known before it signs, and the one before stays until it ends', () => {
  const authority = open()
  const first = authority.issue(names).certificate
  const before = authority.bundle()
  nowMs += 250 * day
  authority.keepUp()
  expect(authority.bundle()).toMatch(before)
  expect(certificates(authority.bundle())).toHaveLength(2)
  const [old, next] = certificates(authority.bundle())
  const signedBy = () => new X509Certificate(authority.issue(names).certificate).issuer
  expect(signedBy()).toBe(old?.subject)
  nowMs += day
  expect(signedBy()).toBe(next?.subject)
  expect(authority.isDue(first)).toBe(true)
  expect(authority.isDue(authority.issue(names).certificate)).toBe(false)
  nowMs += 120 * day
  authority.keepUp()
  expect(certificates(authority.bundle()).map(({ subject }) => subject)).toEqual([next?.subject])
  expect(readdirSync(join(directory, 'tls'))).toHaveLength(1)
})

test('a certificate is renewed after two thirds of its life', () => {
  const authority = open()
  const { certificate } = authority.issue(names)
  nowMs += 39 * day
  expect(authority.isDue(certificate)).toBe(false)
  nowMs += 2 * day
  expect(authority.isDue(certificate)).toBe(true)
})
