/** A constant's text → the value that a field of this type is compared with (falco-compat 2.1 to 2.3). */
import type { Comparison } from './ast.ts'
import { textToBytes } from './bytes.ts'
import { canonicalIp, parseNet } from './ip.ts'
import { servicePort } from './services.ts'
import type { FieldType, Scalar } from './values.ts'

export type Constant = { readonly value: Scalar } | { readonly problem: string }

export function parseConstant(text: string, type: FieldType, comparison: Comparison): Constant {
  return comparison === 'bcontains' || comparison === 'bstartswith'
    ? parseHex(text)
    : parsers[type](text)
}

const asText = (text: string): Constant => ({ value: text })

/** Unsigned fields take a negative constant as its 64-bit complement, as Falco does at run time. */
const asInteger =
  (toScalar: (number: bigint) => Scalar) =>
  (text: string): Constant => {
    if (!/^[+-]?\d{1,20}$/.test(text))
      return { problem: `filter error: '${text}' is not a decimal number` }
    return { value: toScalar(BigInt(text.replace('+', ''))) }
  }
const asSigned = asInteger((number) => Number(BigInt.asIntN(64, number)))
const asUnsigned = asInteger((number) => Number(BigInt.asUintN(64, number)))
const asTime = asInteger((number) => BigInt.asUintN(64, number))

const parsers: Readonly<Record<FieldType, (text: string) => Constant>> = {
  string: asText,
  path: asText,
  bytes: (text) => ({ value: textToBytes(text) }),
  bool: parseBool,
  int: asSigned,
  uint: asUnsigned,
  double: asSigned,
  pid: asSigned,
  fd: asSigned,
  errno: asSigned,
  port: parsePort,
  flags: asUnsigned,
  mode: asUnsigned,
  abstime: asTime,
  reltime: asTime,
  ip: parseAddress,
  net: parseNetwork,
}

function parseBool(text: string): Constant {
  if (text === 'true' || text === 'false') return { value: text === 'true' }
  return { problem: `filter error: unrecognized boolean value '${text}': write true or false` }
}

function parseAddress(text: string): Constant {
  const address = canonicalIp(text)
  return address === undefined ? { problem: `unrecognized IP address ${text}` } : { value: address }
}

function parseNetwork(text: string): Constant {
  if (parseNet(text) !== undefined) return { value: text }
  return { problem: `unrecognized IP network ${text}: write it as 10.0.0.0/8` }
}

function parsePort(text: string): Constant {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return { value: Number(text) }
  const port = servicePort(text)
  if (port !== undefined) return { value: port }
  return { problem: `unrecognized port ${text}: write a number or a name of /etc/services` }
}

function parseHex(text: string): Constant {
  if (text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text))
    return { value: new Uint8Array(Buffer.from(text, 'hex')) }
  return { problem: 'filter error: bcontains and bstartswith operator support hex strings only' }
}
