import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { needs } from '../../../scripts/needs.ts'
import { findCgroupTrees } from '../cgroups.ts'
import { listen, startTalker, tell } from '../talker.ts'
import { makeCgroup, until } from '../testing.ts'
import { capturePackets } from './packets.ts'

const { unified = '' } = findCgroupTrees()
const onKernel = needs('root', 'ebpf')

interface Packet {
  readonly timeMs: number
  readonly length: number
  readonly data: Buffer
}

/** By the file's own numbers, so that what others read is what we read. */
function packetsOf(path: string): Packet[] {
  const file = readFileSync(path)
  expect([file.readUInt32LE(0), file.readUInt32LE(20)]).toEqual([0xa1b2_3c4d, 101])
  const packets: Packet[] = []
  for (let at = 24; at < file.length;) {
    const copied = file.readUInt32LE(at + 8)
    const data = file.subarray(at + 16, at + 16 + copied)
    expect(data.length).toBe(copied)
    expect([4, 6]).toContain((data[0] ?? 0) >> 4)
    const timeMs = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1e6
    packets.push({ timeMs, length: file.readUInt32LE(at + 12), data })
    at += 16 + copied
  }
  return packets
}

const programs = () =>
  execFileSync('bpftool', ['prog', 'show'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => /name capture_(in|e)gress/.test(line)).length

async function world() {
  const folder = mkdtempSync(join(tmpdir(), 'riposte-packets-'))
  return { path: join(folder, 'packets.pcap'), remove: () => rmSync(folder, { recursive: true }) }
}

onKernel(
  'packets of a cgroup are captured both ways, its neighbour is not, and nothing stays',
  async () => {
    const { path, remove } = await world()
    try {
      await using server = await listen('127.0.0.1')
      await using victim = await startTalker()
      await using neighbour = await startTalker()
      using cgroup = makeCgroup(unified)
      cgroup.add(victim.pid)
      const stop = new AbortController()
      const bounds = { seconds: 60, maxBytes: 1 << 20, snaplen: 1024 }
      const capture = capturePackets(cgroup.directory, path, bounds, stop.signal)
      const beganMs = Date.now()
      expect(await tell(victim, `connect 127.0.0.1 ${server.port}`)).toBe('connect ok')
      await tell(victim, 'say from-the-victim')
      await until(() => server.heard().includes('from-the-victim'))
      server.say('from-the-server\n')
      await until(() => victim.output().includes('from-the-server'))
      await tell(neighbour, `connect 127.0.0.1 ${server.port}`)
      await tell(neighbour, 'say from-the-neighbour')
      await until(() => server.heard().includes('from-the-neighbour'))
      stop.abort()
      const counts = await capture

      const packets = packetsOf(path)
      const holding = (text: string) => packets.filter(({ data }) => data.includes(text))
      expect(holding('from-the-victim')).not.toEqual([])
      expect(holding('from-the-server')).not.toEqual([])
      expect(holding('from-the-neighbour')).toEqual([])
      const ports = packets.map(({ data }) => [data.readUInt16BE(20), data.readUInt16BE(22)])
      expect(ports.some(([from]) => from === server.port)).toBe(true)
      expect(ports.some(([, to]) => to === server.port)).toBe(true)
      expect(counts).toMatchObject({ captured: packets.length, lost: 0, beyond: 0 })
      for (const { timeMs } of packets) {
        expect(timeMs).toBeGreaterThan(beganMs - 5000)
        expect(timeMs).toBeLessThan(Date.now() + 5000)
      }
      expect(programs()).toBe(0)
    } finally {
      remove()
    }
  },
)

onKernel(
  'a capture keeps snaplen bytes of each packet, ends at maxBytes, and counts the rest',
  async () => {
    const { path, remove } = await world()
    try {
      await using server = await listen('127.0.0.1')
      await using victim = await startTalker()
      using cgroup = makeCgroup(unified)
      cgroup.add(victim.pid)
      const bounds = { seconds: 60, maxBytes: 500, snaplen: 60 }
      const capture = capturePackets(cgroup.directory, path, bounds, new AbortController().signal)
      await tell(victim, `connect 127.0.0.1 ${server.port}`)
      const long = 'x'.repeat(1000)
      let isOver = false
      void capture.then(() => (isOver = true))
      await until(() => {
        victim.write(`say ${long}\n`)
        return isOver
      })
      const counts = await capture
      const packets = packetsOf(path)
      const bytes = packets.reduce((sum, { data }) => sum + data.length, 0)
      expect(bytes).toBeLessThanOrEqual(500)
      expect(Math.max(...packets.map(({ data }) => data.length))).toBe(60)
      expect(packets.some(({ length }) => length > 1000)).toBe(true)
      expect(counts.beyond).toBeGreaterThan(0)
      expect(counts.seen).toBe(counts.captured + counts.lost + counts.beyond)
      expect(programs()).toBe(0)
    } finally {
      remove()
    }
  },
)
