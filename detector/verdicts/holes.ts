/**
 * What a blocked cgroup may still reach, as keys of bpf/block.bpf.c. `holes`: u32 bits, u64 cgroup, 16 bytes of address;
 * `port_holes` has u16 port, u8 protocol and a zero before the address.
 */
import ipaddr from 'ipaddr.js'
import type { OpenPort } from '../../contract/node-actions.ts'

export function holeKey(cgroupId: string, network: string): Uint8Array {
  const { bits, bytes } = networkOf(network)
  const key = new Uint8Array(28)
  const view = new DataView(key.buffer)
  // The kernel reads both in its own byte order, which is little-endian on amd64 and arm64.
  view.setUint32(0, 64 + bits, true)
  view.setBigUint64(4, BigInt(cgroupId), true)
  key.set(bytes, 12)
  return key
}

/** <linux/in.h> */
const protocols = { tcp: [6], udp: [17], any: [6, 17] } as const
const EVERYWHERE = { bits: 0, bytes: [] }

export function portHoleKeys(cgroupId: string, { port, protocol, to }: OpenPort): Uint8Array[] {
  const networks = to.length === 0 ? [EVERYWHERE] : to.map(networkOf)
  return networks.flatMap(({ bits, bytes }) =>
    protocols[protocol].map((number) => {
      const key = new Uint8Array(32)
      const view = new DataView(key.buffer)
      view.setUint32(0, 96 + bits, true)
      view.setBigUint64(4, BigInt(cgroupId), true)
      view.setUint16(12, port, true)
      view.setUint8(14, number)
      key.set(bytes, 16)
      return key
    }),
  )
}

/** IPv4 lives in ::ffff:0:0/96 there, so its networks are 96 bits longer. */
function networkOf(network: string): { bits: number; bytes: readonly number[] } {
  const [address, length] = parse(network)
  if (address.kind() !== 'ipv4') return { bits: length, bytes: address.toByteArray() }
  return { bits: 96 + length, bytes: [...IPV4_PREFIX, ...address.toByteArray()] }
}

const IPV4_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

function parse(network: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (network.includes('/')) return ipaddr.parseCIDR(network)
  const address = ipaddr.parse(network)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}
