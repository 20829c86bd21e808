/**
 * The cgroups of this node that are cut off the network (bpf/block.bpf.c). Loaded and attached while something is blocked
 * and not otherwise. Where a bpffs can be had the links are pinned, so that a block outlives the detector;
 * elsewhere it is made again from the durable list at start. `rm -r <pins>` lifts every block without Riposte.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { type OpenPort, openPortSchema } from '../../contract/node-actions.ts'
import { isBpfFailure, objectPath, openObject, type BpfObject } from '../native.ts'
import { directoryOfId } from './cgroups.ts'
import { readJson, writeDurably } from './durable-file.ts'
import { holeKey, portHoleKeys } from './holes.ts'

const blockSchema = z.strictObject({
  /** Step that asked for it. */
  step: z.string(),
  cgroupId: z.string(),
  allow: z.array(z.string()),
  allowPorts: z.array(openPortSchema).default([]),
})
type Block = z.infer<typeof blockSchema>
const blocksSchema = z.array(blockSchema)

/** What stays reachable. */
export interface Holes {
  readonly allow: readonly string[]
  readonly allowPorts: readonly OpenPort[]
}

/** Counted since the block began: packets dropped both ways, calls (connect, sendmsg) refused. */
export interface Refusals {
  readonly packets: number
  readonly calls: number
  /** Boot clock of the first; 0: nothing yet. */
  readonly firstNs: string
}

export interface BlockSettings {
  /** The durable list. */
  readonly statePath: string
  /** A directory in a bpffs, or null when there is none (`find`) or none can be had (`make`). */
  readonly pins: (mode: 'find' | 'make') => string | null
  /** The scope's directory in the unified tree: programs are attached there. Undefined on pure v1: every block is refused. */
  readonly cgroupRoot: string | undefined
}

const programs = [
  'block_connect4',
  'block_connect6',
  'block_sendmsg4',
  'block_sendmsg6',
  'block_ingress',
  'block_egress',
] as const

/** A process can accept or be handed a socket that was made elsewhere; each sweep finds those. */
const SWEEP_MS = 1000
const PRESENT = Uint8Array.of(1)
/** struct cut of bpf/block.bpf.c */
const NOTHING_YET = new Uint8Array(24)

export class NetworkBlocks {
  readonly #settings: BlockSettings
  #blocks: readonly Block[]
  #object: BpfObject | undefined
  #links: readonly number[] = []
  #sweeper: NodeJS.Timeout | undefined
  /** Writes of the list, one after the other. */
  #written: Promise<void> = Promise.resolve()

  private constructor(settings: BlockSettings, blocks: readonly Block[]) {
    this.#settings = settings
    this.#blocks = blocks
  }

  /** What was blocked and still exists is blocked when this resolves. */
  static async open(settings: BlockSettings): Promise<NetworkBlocks> {
    const { cgroupRoot, statePath } = settings
    const stored = blocksSchema.parse(readJson(statePath) ?? [])
    const isThere = ({ cgroupId }: Block) =>
      cgroupRoot !== undefined && directoryOfId(cgroupRoot, cgroupId) !== undefined
    const blocks = new NetworkBlocks(settings, stored.filter(isThere))
    await blocks.#apply(blocks.#blocks)
    return blocks
  }

  isBlocked(cgroupId: string): boolean {
    return (
      this.#object !== undefined && this.#object.lookup('blocked', idKey(cgroupId)) !== undefined
    )
  }

  /** What was kept from a blocked cgroup and what is below it, or from others by it; undefined when it is not blocked. */
  refusedBy(cgroupId: string): Refusals | undefined {
    const bytes = this.#object?.lookup('blocked', idKey(cgroupId))
    if (bytes === undefined) return undefined
    const [packets = 0n, calls = 0n, firstNs = 0n] = new BigUint64Array(bytes.slice().buffer)
    return { packets: Number(packets), calls: Number(calls), firstNs: String(firstNs) }
  }

  /**
   * Live when this returns, durable when it resolves. After a crash in between the next start lifts it, because the list
   * does not know it, and the order comes again, because it was not answered.
   */
  async block(step: string, cgroupId: string, { allow, allowPorts }: Holes): Promise<void> {
    const others = this.#blocks.filter(
      (block) => block.step !== step || block.cgroupId !== cgroupId,
    )
    const block = { step, cgroupId, allow: [...allow], allowPorts: [...allowPorts] }
    await this.#apply([...others, block])
  }

  async release(step: string): Promise<void> {
    await this.#apply(this.#blocks.filter((block) => block.step !== step))
  }

  /** Cuts the sockets that processes brought with them. */
  sweep(): void {
    this.#object?.iterate('block_sweep')
  }

  /** Loads what a block needs, which takes longer than all the rest of it; nothing is attached. */
  prepare(): void {
    if (this.#object !== undefined || this.#settings.cgroupRoot === undefined) return
    try {
      this.#object = openObject(objectPath('block'))
    } catch (error) {
      // Without NET_ADMIN: a block that is asked for will say so.
      if (!isBpfFailure(error)) throw error
    }
  }

  /** Without pins the kernel lifts the blocks now; they come back with the next start. */
  close(): void {
    this.#stopSweeping()
    this.#object?.close()
    this.#object = undefined
    this.#links = []
  }

  async #apply(blocks: readonly Block[]): Promise<void> {
    if (blocks.length > 0) this.#enforce(blocks)
    else this.#detach()
    this.#blocks = blocks
    this.#written = this.#written.then(() => this.#remember())
    await this.#written
  }

  /** Filled before it is attached: the pins of an earlier life go only then. */
  #enforce(blocks: readonly Block[]): void {
    const object = (this.#object ??= openObject(objectPath('block')))
    fill(object, blocks)
    if (this.#links.length === 0) this.#attach(object)
    this.sweep()
    this.#sweeper ??= setInterval(() => this.sweep(), SWEEP_MS).unref()
  }

  #stopSweeping(): void {
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  /** What is blocked when the turn comes: a later change may have been made meanwhile, and is in it. */
  async #remember(): Promise<void> {
    const { statePath } = this.#settings
    if (this.#blocks.length > 0 || existsSync(statePath))
      await writeDurably(statePath, JSON.stringify(this.#blocks, undefined, 2))
  }

  /** New links first, old pins after: between two lives of the detector nothing gets through. */
  #attach(object: BpfObject): void {
    const { cgroupRoot = '' } = this.#settings
    try {
      this.#links = programs.map((program) => object.attach(program, { cgroup: cgroupRoot }))
      this.#pin(object, this.#links)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** A pinned link keeps its program and maps; what they hold is in the durable list, so the next life brings its own. */
  #pin(object: BpfObject, links: readonly number[]): void {
    const pins = this.#settings.pins('make')
    if (pins === null) return
    mkdirSync(pins, { recursive: true, mode: 0o700 })
    const generation = `links-${process.pid}-${Date.now()}`
    mkdirSync(join(pins, generation))
    for (const [index, link] of links.entries())
      object.pin(link, join(pins, generation, programs[index] ?? ''))
    for (const name of readdirSync(pins))
      if (name !== generation) rmSync(join(pins, name), { recursive: true })
  }

  /** Leaves nothing attached and no pin; what is loaded stays for the next block. */
  #detach(): void {
    this.#stopSweeping()
    const object = this.#object
    if (object !== undefined) {
      fill(object, [])
      for (const link of this.#links) object.detach(link)
    }
    this.#links = []
    const pins = this.#settings.pins('find')
    if (pins === null) return
    rmSync(pins, { recursive: true, force: true })
    const parent = dirname(pins)
    if (existsSync(parent) && readdirSync(parent).length === 0) rmdirSync(parent)
  }
}

/** Makes the maps say what the list says. Holes are opened before a cgroup is cut, and closed after it is released. */
function fill(object: BpfObject, blocks: readonly Block[]): void {
  const holes = new Map(
    blocks.flatMap(({ cgroupId, allow }) => allow.map((net) => hexed(holeKey(cgroupId, net)))),
  )
  const ports = new Map(
    blocks.flatMap(({ cgroupId, allowPorts }) =>
      allowPorts.flatMap((port) => portHoleKeys(cgroupId, port).map(hexed)),
    ),
  )
  const ids = new Map(blocks.map(({ cgroupId }) => hexed(idKey(cgroupId))))
  for (const key of holes.values()) object.update('holes', key, PRESENT)
  for (const key of ports.values()) object.update('port_holes', key, PRESENT)
  for (const key of ids.values())
    if (object.lookup('blocked', key) === undefined) object.update('blocked', key, NOTHING_YET)
  for (const key of keys(object, 'blocked')) if (!ids.has(hex(key))) object.delete('blocked', key)
  for (const key of keys(object, 'holes')) if (!holes.has(hex(key))) object.delete('holes', key)
  for (const key of keys(object, 'port_holes'))
    if (!ports.has(hex(key))) object.delete('port_holes', key)
  for (const key of keys(object, 'sockets')) {
    const cgroup = object.lookup('sockets', key)
    if (cgroup !== undefined && !ids.has(hex(cgroup))) object.delete('sockets', key)
  }
}

/** All of them before any is deleted: a deleted key would start the walk again. */
function keys(object: BpfObject, map: string): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let key = object.nextKey(map); key !== undefined; key = object.nextKey(map, key))
    found.push(key)
  return found
}

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')
const hexed = (key: Uint8Array): [string, Uint8Array] => [hex(key), key]

function idKey(cgroupId: string): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(cgroupId)).buffer)
}
