/** Addresses and networks as constants and as values. An address value is text in the form of `canonicalIp`. */
import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The one text of an address (IPv4-mapped as IPv4, IPv6 shortened by RFC 5952), or undefined where it is none. */
export function canonicalIp(text: string): string | undefined {
  return isIPv4(text) || isIPv6(text) ? ipaddr.process(text).toString() : undefined
}

export interface Net {
  readonly bits: number
  readonly base: bigint
  readonly shift: bigint
  /** IPv4 again as 32-bit integers, which cost nothing to compare. */
  readonly base32: number
  readonly mask32: number
}

/** `10.0.0.0/8`; an address without a prefix length is none. */
export function parseNet(text: string): Net | undefined {
  const [, address = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const parsed = parseIp(address)
  const shift = (parsed?.bits ?? 0) - Number(length)
  if (parsed === undefined || shift < 0) return undefined
  const mask32 = shift >= 32 ? 0 : -1 << shift
  return {
    bits: parsed.bits,
    base: parsed.value >> BigInt(shift),
    shift: BigInt(shift),
    base32: parsed.value32 & mask32,
    mask32,
  }
}

/** Whether a canonical address lies in a network; of another family: no. */
export function isInNet(address: string, net: Net): boolean {
  const parsed = rememberedIp(address)
  if (parsed === undefined || parsed.bits !== net.bits) return false
  return net.bits === 32
    ? (parsed.value32 & net.mask32) === net.base32
    : parsed.value >> net.shift === net.base
}

interface Ip {
  readonly bits: number
  readonly value: bigint
  readonly value32: number
}

/** Addresses repeat from event to event; forgotten all at once when there are too many. */
const remembered = new Map<string, Ip | undefined>()
const MAX_REMEMBERED = 4096

function rememberedIp(address: string): Ip | undefined {
  const known = remembered.get(address)
  if (known !== undefined) return known
  const parsed = parseIp(address)
  if (remembered.size >= MAX_REMEMBERED) remembered.clear()
  remembered.set(address, parsed)
  return parsed
}

function parseIp(text: string): Ip | undefined {
  if (!isIPv4(text) && !isIPv6(text)) return undefined
  const bytes = ipaddr.process(text).toByteArray()
  const value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  return { bits: bytes.length * 8, value, value32: Number(BigInt.asIntN(32, value)) }
}
