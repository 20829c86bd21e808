/** Typed face of the addon; the only file that loads it. Arguments are checked here, the addon only refuses. */
import { createRequire } from 'node:module'

/** How a program is attached when its section does not say it all. */
export type Target = { readonly tracepointId: number } | { readonly cgroup: string }

export interface OpenOptions {
  /** Only these programs are loaded; without it all of them. */
  readonly autoload?: readonly string[]
  readonly maxEntries?: Readonly<Record<string, number>>
  /** Initial bytes of global variables (.rodata, .data, .bss) by name, of exactly their size. */
  readonly variables?: Readonly<Record<string, Uint8Array>>
}

export interface MapShape {
  readonly name: string
  readonly keyBytes: number
  /** Per-CPU maps: of all possible CPUs together, each rounded up to 8. */
  readonly valueBytes: number
  readonly maxEntries: number
}

/** Where a global variable is in the memory of its section's map. */
export interface VariableShape {
  readonly map: string
  readonly offset: number
  readonly bytes: number
}

/** `consumer` is ours to write; `producer` holds the kernel's page and then the records twice, and faults on a write. */
export interface RingMemory {
  readonly consumer: ArrayBuffer
  readonly producer: ArrayBuffer
  readonly pageBytes: number
}

/** A loaded object. Every call throws BpfFailure; `close` may be called again and detaches everything. */
export interface BpfObject {
  /** Answers a link for `detach`. */
  attach(program: string, target?: Target): number
  detach(link: number): void
  /** Keeps a link attached after this process, until the file is removed. */
  pin(link: number, path: string): void
  /** Runs an iterator program to its end and answers what it wrote. */
  iterate(program: string): Uint8Array
  programs(): readonly string[]
  maps(): readonly MapShape[]
  variables(): Readonly<Record<string, VariableShape>>
  lookup(map: string, key: Uint8Array): Uint8Array | undefined
  update(map: string, key: Uint8Array, value: Uint8Array): void
  /** False when there was no such key. */
  delete(map: string, key: Uint8Array): boolean
  nextKey(map: string, key?: Uint8Array): Uint8Array | undefined
  mapFd(map: string): number
  programFd(program: string): number
  ring(map: string): RingMemory
  /** The values of an array map that can be mapped (.bss, .data, BPF_F_MMAPABLE), shared with the kernel. */
  memory(map: string): ArrayBuffer
  close(): void
}

/** A thread in epoll. It keeps the process alive until `close`. */
export interface Waiter {
  /** A ring map's descriptor. */
  add(fd: number): void
  close(): void
}

interface Addon {
  readonly BpfObject: new (path: string, options: OpenOptions) => BpfObject
  readonly Waiter: new (wake: () => void, pauseUs: number) => Waiter
  openTracefs(): number
  kernelHas(kind: 'typedef' | 'func' | 'struct', name: string): boolean
  pidfdOpen(pid: number): number
  pidfdSendSignal(pidfd: number, signal: number): void
}

/** What the addon or the kernel refused: `code` is the errno's name, `log` what libbpf and the verifier said. */
export interface BpfFailure extends Error {
  readonly code: string
  readonly log: string
}

export const isBpfFailure = (error: unknown): error is BpfFailure =>
  typeof error === 'object' && error !== null && 'code' in error && 'log' in error

/** The addon has not been built for this machine: `make` does. */
export class AddonMissing extends Error {
  readonly code = 'addon_missing'
  readonly retryable = false
}

const isAddon = (value: unknown): value is Addon =>
  typeof value === 'object' && value !== null && 'BpfObject' in value && 'Waiter' in value

let loaded: Addon | undefined

function addon(): Addon {
  loaded ??= loadAddon()
  return loaded
}

function loadAddon(): Addon {
  const path = new URL('../build/riposte.node', import.meta.url).pathname
  try {
    const found: unknown = createRequire(import.meta.url)(path)
    if (isAddon(found)) return found
  } catch (cause) {
    throw new AddonMissing(`cannot load ${path}; run make`, { cause })
  }
  throw new AddonMissing(`${path} is not the addon; run make clean all`)
}

/** `build/<name>.bpf.o`, where make leaves the BPF objects. */
export const objectPath = (name: string): string =>
  new URL(`../build/${name}.bpf.o`, import.meta.url).pathname

/** Opens and loads a BPF object; nothing is attached yet. */
export function openObject(path: string, options: OpenOptions = {}): BpfObject {
  for (const [map, entries] of Object.entries(options.maxEntries ?? {}))
    checkWhole(`entries of ${map}`, entries, 1, 0xffff_ffff)
  return new (addon().BpfObject)(path, options)
}

/** An object that make builds twice: with casts, which load faster and read cheaper, and for kernels that have none (before 6.2). */
export function openReader(
  name: 'riposte' | 'scan',
  options: OpenOptions = {},
  pathOf = objectPath,
): BpfObject {
  try {
    return openObject(pathOf(`${name}-cast`), options)
  } catch (error) {
    if (!isBpfFailure(error)) throw error
  }
  return openObject(pathOf(name), options)
}

/** Calls `wake` when a ring has something new, at most once in `pauseUs` microseconds. */
export function openWaiter(wake: () => void, pauseUs: number): Waiter {
  checkWhole('pauseUs', pauseUs, 0, 999_999)
  return new (addon().Waiter)(wake, pauseUs)
}

/** Descriptor of a tracefs root that is mounted nowhere; close it with fs. */
export const openTracefs = (): number => addon().openTracefs()

/** Whether the running kernel's BTF knows a type: the feature test for hooks (`btf_trace_<name>` typedefs). */
export const kernelHas = (kind: 'typedef' | 'func' | 'struct', name: string): boolean =>
  addon().kernelHas(kind, name)

/** A descriptor that stands for this one process for ever; close it with fs. Check its start time after opening. */
export function pidfdOpen(pid: number): number {
  checkWhole('pid', pid, 1, 0x7fff_ffff)
  return addon().pidfdOpen(pid)
}

export function pidfdSendSignal(pidfd: number, signal: number): void {
  checkWhole('pidfd', pidfd, 0, 0x7fff_ffff)
  checkWhole('signal', signal, 0, 64)
  addon().pidfdSendSignal(pidfd, signal)
}

function checkWhole(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${what} must be a whole number from ${least} to ${most}, not ${value}`)
}
