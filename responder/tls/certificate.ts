/**
 * X.509 certificates of one shape (RFC 5280): ECDSA P-256, a CA that signs servers and nothing else, and its servers.
 * Written here because the library at hand needs a dependency injection container and a changed global Reflect.
 */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import {
  bits,
  boolean,
  element,
  identifier,
  implicit,
  integer,
  octets,
  sequence,
  set,
  tagged,
  time,
  utf8,
} from './der.ts'

export interface Issued {
  /** PEM, as is the key (PKCS #8). */
  readonly certificate: string
  readonly key: string
}

/** Who signs: its name as in its certificate, and its key. */
export interface Signer {
  readonly name: string
  readonly key: KeyObject
  readonly publicKey: KeyObject
}

export interface Lifetime {
  readonly fromMs: number
  readonly toMs: number
}

export interface IssuedAuthority extends Issued {
  readonly signer: Signer
}

export function issueAuthority(name: string, lifetime: Lifetime): IssuedAuthority {
  const { privateKey, publicKey } = newKeyPair()
  const signer = { name, key: privateKey, publicKey }
  const extensions = [
    // A CA whose servers are no CAs.
    extension('2.5.29.19', sequence(boolean(true), integer(Buffer.from([0]))), true),
    // keyCertSign, cRLSign
    extension('2.5.29.15', bits(Buffer.from([0b0000_0110]), 1), true),
  ]
  return { ...issue(name, publicKey, privateKey, lifetime, signer, extensions), signer }
}

/** `names`: host names and IP addresses. */
export function issueServer(
  names: readonly string[],
  lifetime: Lifetime,
  signer: Signer,
  isClient = false,
): Issued {
  const { privateKey, publicKey } = newKeyPair()
  const use = isClient ? '1.3.6.1.5.5.7.3.2' : '1.3.6.1.5.5.7.3.1'
  const extensions = [
    extension('2.5.29.19', sequence(), true),
    // digitalSignature
    extension('2.5.29.15', bits(Buffer.from([0b1000_0000]), 7), true),
    extension('2.5.29.37', sequence(identifier(use))),
    extension('2.5.29.17', sequence(...names.map(generalName))),
  ]
  return issue(names[0] ?? 'riposte', publicKey, privateKey, lifetime, signer, extensions)
}

const newKeyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

const ecdsaWithSha256 = sequence(identifier('1.2.840.10045.4.3.2'))

function issue(
  name: string,
  publicKey: KeyObject,
  privateKey: KeyObject,
  { fromMs, toMs }: Lifetime,
  signer: Signer,
  extensions: readonly Uint8Array[],
): Issued {
  const serial = randomBytes(16)
  // Neither zero nor negative.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  const content = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    commonName(signer.name),
    sequence(time(fromMs), time(toMs)),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(
      3,
      sequence(
        ...extensions,
        extension('2.5.29.14', octets(keyIdOf(publicKey))),
        extension('2.5.29.35', sequence(implicit(0, keyIdOf(signer.publicKey)))),
      ),
    ),
  )
  const signature = bits(sign('sha256', content, signer.key))
  const certificate = sequence(content, ecdsaWithSha256, signature)
  return {
    certificate: pem('CERTIFICATE', certificate),
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
}

/** Not longer than the 64 characters that the attribute may have: the whole names stand in the extension. */
const commonName = (name: string) =>
  sequence(set(sequence(identifier('2.5.4.3'), utf8(name.slice(0, 64)))))

function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(identifier(id), ...(isCritical ? [boolean(true)] : []), octets(value))
}

const generalName = (name: string) =>
  isIP(name) === 0 ? element(0x82, Buffer.from(name, 'latin1')) : element(0x87, addressBytes(name))

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  // The parser of URLs writes any form of an address in full groups, with one gap.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [front, back] = [groupsOf(head), groupsOf(tail ?? '')]
  const gap = Array.from({ length: 8 - front.length - back.length }, () => '0')
  return Buffer.from(
    [...front, ...gap, ...back].map((group) => group.padStart(4, '0')).join(''),
    'hex',
  )
}

const groupsOf = (text: string) => (text === '' ? [] : text.split(':'))

const keyIdOf = (key: KeyObject) =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()

const pem = (label: string, content: Buffer) =>
  `-----BEGIN ${label}-----\n${content.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END ${label}-----\n`
