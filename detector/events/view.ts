/** One reusable cursor over a record's bytes; reads nothing until asked and allocates nothing but fresh strings. */

/** A socket as the kernel has it. `role` says which side the process is: client if it connected. */
export interface SocketTuple {
  readonly family: 'ipv4' | 'ipv6' | 'unix'
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'raw' | 'unknown'
  readonly role: 'client' | 'server' | 'unknown'
  /** Canonical text, IPv4-mapped already IPv4; empty when not bound, and for unix. */
  readonly localIp: string
  readonly localPort: number
  readonly remoteIp: string
  readonly remotePort: number
  /** Unix sockets: the bound or connected path (abstract ones begin with @). */
  readonly path: string
}

/**
 * Bytes of a `socket` parameter: family (AF_*), protocol (IPPROTO_*) and role (0 unknown, 1 client, 2 server) as u8,
 * ports as u16 in host order, addresses of 16 bytes (IPv4 in the first four), then a unix socket's path to the end.
 * An abstract path begins with NUL on the wire and with @ in the view.
 */
export const SOCKET_LAYOUT = {
  family: 0,
  protocol: 1,
  role: 2,
  localPort: 4,
  remotePort: 6,
  localAddress: 8,
  remoteAddress: 24,
  path: 40,
} as const

export interface EventView {
  readonly eventId: number
  /** recordFlags of schema.ts. */
  readonly flags: number
  readonly pid: number
  readonly tid: number
  readonly parentPid: number
  readonly userId: number
  readonly cpu: number
  /** Boot-clock nanoseconds of the event. */
  readonly timeNs: bigint
  readonly cgroupId: bigint
  readonly startTimeNs: bigint
  /** Bits of the strikes that matched in the kernel. */
  readonly strikes: bigint
  /** A scalar parameter as a number (exact to 2^53), undefined when the kernel could not have it. */
  int(parameter: number): number | undefined
  bigint(parameter: number): bigint | undefined
  /** Text and paths, interned: the same bytes give the same string object. Invalid UTF-8 keeps its bytes (see intern.ts). */
  text(parameter: number): string | undefined
  list(parameter: number): readonly string[] | undefined
  /** A copy, safe to keep. */
  bytes(parameter: number): Uint8Array | undefined
  socket(parameter: number): SocketTuple | undefined
  isTruncated(parameter: number): boolean
  /** Of the whole record. */
  readonly byteLength: number
  /** A copy that stays good when the view moves on. */
  keep(): EventView
}
