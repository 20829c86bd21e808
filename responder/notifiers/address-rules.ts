/** Which addresses a notifier may reach: judged after the name is resolved, and the connection goes to what was judged. */
import { BlockList, isIPv4 } from 'node:net'
import { z } from 'zod'

/** Metadata services, link-local neighbours, this host and what is no destination at all. */
const forbidden: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['168.63.129.16', 32],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['fd00:ec2::254', 128],
  ['ff00::', 8],
]

/** Private networks: refused too, unless the operator's own receivers live there. */
const privateNetworks: readonly [string, number][] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['fc00::', 7],
]

export const addressRulesSchema = z.strictObject({
  allow: z
    .array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]))
    .default([])
    .describe(
      'addresses or networks that may be reached although they are private, local or metadata',
    ),
})
export type AddressRules = z.infer<typeof addressRulesSchema>

/** Why an address is not reached, or undefined when it may be. */
export function createAddressCheck({
  allow,
}: AddressRules): (address: string) => string | undefined {
  const allowed = listOf(allow.map(network))
  const never = listOf(forbidden)
  const inside = listOf(privateNetworks)
  return (text) => {
    const address = plain(text)
    if (has(allowed, address)) return undefined
    if (has(never, address))
      return `${address} is local, link-local, multicast or a metadata service`
    if (has(inside, address)) return `${address} is in a private network`
    return undefined
  }
}

function network(text: string): [string, number] {
  const [address = '', length] = text.split('/')
  return [address, length === undefined ? (isIPv4(address) ? 32 : 128) : Number(length)]
}

function listOf(networks: readonly [string, number][]): BlockList {
  const list = new BlockList()
  for (const [address, length] of networks)
    list.addSubnet(address, length, isIPv4(address) ? 'ipv4' : 'ipv6')
  return list
}

const has = (list: BlockList, address: string): boolean =>
  list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')

/** IPv4 in its IPv6 disguises (mapped, compatible, NAT64, 6to4) is judged as IPv4. */
function plain(address: string): string {
  const groups = expand(address)
  if (groups === undefined) return address
  const head = groups.slice(0, 6).join(':')
  const [, , , , , , high = 0, low = 0] = groups
  if (head === '0:0:0:0:0:65535' || head === '100:65435:0:0:0:0') return dotted(high, low)
  if (head === '0:0:0:0:0:0' && (high !== 0 || low > 1)) return dotted(high, low)
  if (groups[0] === 0x2002) return dotted(groups[1] ?? 0, groups[2] ?? 0)
  return address
}

const dotted = (high: number, low: number): string =>
  [high >> 8, high & 255, low >> 8, low & 255].join('.')

/** The eight groups of an IPv6 address as numbers; undefined for IPv4. A zone (`%eth0`) is no part of it. */
function expand(text: string): number[] | undefined {
  if (isIPv4(text)) return undefined
  const host = new URL(`http://[${text.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
  const [left = '', right] = host.split('::')
  if (right === undefined) return numbers(left)
  const [before, after] = [numbers(left), numbers(right)]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

const numbers = (part: string): number[] =>
  part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))
