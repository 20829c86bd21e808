/** Packets of a cgroup as a pcap file (bpf/capture.bpf.c): attached while it runs, gone with its links or with us. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { objectPath, openObject, openWaiter, type BpfObject } from '../../native.ts'
import { Ring } from '../../sources/ring.ts'

export interface PacketBounds {
  readonly seconds: number
  /** Of packets copied, headers of the file not counted. */
  readonly maxBytes: number
  readonly snaplen: number
}

export interface PacketCounts {
  readonly seen: number
  readonly captured: number
  /** No room in the ring at that moment. */
  readonly lost: number
  /** After maxBytes. */
  readonly beyond: number
}

/** draft-ietf-opsawg-pcap: nanoseconds, LINKTYPE_RAW. */
const MAGIC = 0xa1b2_3c4d
const LINKTYPE_RAW = 101
/** struct header of bpf/capture.bpf.c */
const HEADER_BYTES = 16
const NS_PER_SECOND = 1_000_000_000n
/** The ring holds a few milliseconds of a fast network: it is emptied as often. */
const WAKE_US = 1000

/** Resolves when the time or the bytes are over, or `signal` aborts: with what was captured until then. */
export async function capturePackets(
  directory: string,
  path: string,
  { seconds, maxBytes, snaplen }: PacketBounds,
  signal: AbortSignal,
): Promise<PacketCounts> {
  const object = openObject(objectPath('capture'), {
    variables: {
      snaplen: new Uint8Array(Uint32Array.of(snaplen).buffer),
      max_bytes: new Uint8Array(BigUint64Array.of(BigInt(maxBytes)).buffer),
    },
  })
  // Of an attempt that was cut off.
  rmSync(path, { force: true })
  const file = openSync(path, 'wx', 0o400)
  try {
    writeSync(file, fileHeader(snaplen))
    const ring = new Ring(object.ring('packets'))
    const bootNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
    const full = new AbortController()
    const drain = () => {
      write(file, ring, bootNs)
      if (counts(object).beyond > 0) full.abort()
    }
    const waiter = openWaiter(drain, WAKE_US)
    try {
      waiter.add(object.mapFd('packets'))
      const links = ['capture_ingress', 'capture_egress'].map((program) =>
        object.attach(program, { cgroup: directory }),
      )
      await rest(seconds * 1000, AbortSignal.any([signal, full.signal]))
      for (const link of links) object.detach(link)
    } finally {
      waiter.close()
    }
    drain()
    fsyncSync(file)
    return counts(object)
  } finally {
    closeSync(file)
    object.close()
  }
}

/** An end before the time is no failure. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function fileHeader(snaplen: number): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(snaplen, 16)
  header.writeUInt32LE(LINKTYPE_RAW, 20)
  return header
}

function write(file: number, ring: Ring, bootNs: bigint): void {
  ring.refresh()
  const { buffer } = ring.memory.words
  for (let at = ring.head(); at !== 0; at = ring.head()) {
    const from = new DataView(buffer, at)
    const timeNs = from.getBigUint64(0, true) + bootNs
    const length = from.getUint32(8, true)
    const copied = from.getUint32(12, true)
    const record = Buffer.alloc(16 + copied)
    record.writeUInt32LE(Number(timeNs / NS_PER_SECOND), 0)
    record.writeUInt32LE(Number(timeNs % NS_PER_SECOND), 4)
    record.writeUInt32LE(copied, 8)
    record.writeUInt32LE(length, 12)
    record.set(new Uint8Array(buffer, at + HEADER_BYTES, copied), 16)
    writeSync(file, record)
    ring.advance()
  }
}

function counts(object: BpfObject): PacketCounts {
  const shapes = object.variables()
  const of = (name: string): number => {
    const shape = shapes[name]
    if (shape === undefined) return 0
    return Number(new DataView(object.memory(shape.map), shape.offset).getBigUint64(0, true))
  }
  return { seen: of('seen'), captured: of('copied'), lost: of('lost'), beyond: of('beyond') }
}
