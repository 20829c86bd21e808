/** An allowed address or network as the key of bpf/block.bpf.c's `holes`: u32 bits, u64 cgroup, 16 bytes of address. */
import ipaddr from 'ipaddr.js'

/** IPv4 lives in ::ffff:0:0/96 there, so its networks are 96 bits longer. */
export function holeKey(cgroupId: string, network: string): Uint8Array {
  const [address, length] = parse(network)
  const isIpv4 = address.kind() === 'ipv4'
  const bytes = isIpv4 ? [...IPV4_PREFIX, ...address.toByteArray()] : address.toByteArray()
  const key = new Uint8Array(28)
  const view = new DataView(key.buffer)
  // The kernel reads both in its own byte order, which is little-endian on amd64 and arm64.
  view.setUint32(0, 64 + length + (isIpv4 ? 96 : 0), true)
  view.setBigUint64(4, BigInt(cgroupId), true)
  key.set(bytes, 12)
  return key
}

const IPV4_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

function parse(network: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (network.includes('/')) return ipaddr.parseCIDR(network)
  const address = ipaddr.parse(network)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}
