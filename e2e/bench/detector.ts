/** A `riposte` of the bench's own: started, read line by line, measured from outside, stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sharedData } from '../../scripts/shared-data.ts'

const root = join(import.meta.dirname, '../..')
const stock = ['falco_rules.yaml', 'falco-incubating_rules.yaml', 'falco-sandbox_rules.yaml']

/** Arguments that load a set of rules: ours, or all 93 of Falco's stock files. */
export const ruleSets = {
  ours: () => ['-r', join(root, 'rules')],
  stock: () => [
    ...stock.flatMap((name) => ['-r', sharedData(`falco-rules/${name}`) ?? name]),
    '-o', 'rules[]={"enable":{"rule":"*"}}',
  ],
} as const // prettier-ignore
export type RuleSet = keyof typeof ruleSets

/** Ours always; the stock rules where they are on this machine, else the reason is printed. */
export function availableRuleSets(): RuleSet[] {
  if (sharedData('falco-rules') !== undefined) return ['ours', 'stock']
  console.log('stock rules: skipped, data/falco-rules is not on this machine (RIPOSTE_SHARED)\n')
  return ['ours']
}

/** Why live benches cannot run here, printed; false then. */
export function canRunLive(): boolean {
  const isRoot = process.getuid?.() === 0
  if (!isRoot) console.log('skipped: not root')
  return isRoot
}

/** A directory that goes away with the block that made it. */
export function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'riposte-bench-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** A rule that speaks of one file; its alert contains `bench saw`. */
export function ruleAbout(directory: string, file: string): string {
  const path = join(directory, 'bench-rules.yaml')
  writeFileSync(
    path,
    `- rule: Bench opens its file
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name = ${file}
  output: bench saw %fd.name
  priority: WARNING
`,
  )
  return path
}

export class Riposte implements AsyncDisposable {
  readonly child: ChildProcess
  onLine: (line: string) => void = () => undefined
  talk = ''
  readonly #ready: Promise<void>

  constructor(argv: readonly string[]) {
    this.child = spawn(process.execPath, [join(root, 'cli/riposte.js'), ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let rest = ''
    this.child.stdout?.on('data', (chunk) => {
      const lines = `${rest}${String(chunk)}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.onLine(line)
    })
    this.#ready = new Promise((resolve, reject) => {
      this.child.stderr?.on('data', (chunk) => {
        this.talk += String(chunk)
        if (/^ready$/m.test(this.talk)) resolve()
      })
      this.child.once('close', () => reject(new Error(`it ended:\n${this.talk}`)))
    })
    // Whoever waits for it hears of it; who does not is told by what follows.
    this.#ready.catch(() => undefined)
  }

  ready(): Promise<void> {
    return this.#ready
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Milliseconds from the signal to the exit. */
  async stop(): Promise<number> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return 0
    const before = performance.now()
    const closed = once(this.child, 'close')
    this.child.kill('SIGINT')
    await closed
    return performance.now() - before
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** User and system CPU of a process so far, in seconds (clock ticks of 10 ms). */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

export interface Footprint {
  readonly rssMb: number
  readonly pssMb: number
  readonly privateMb: number
  /** Of BPF maps: memory of the kernel, which no process' RSS shows unless it is mapped. */
  readonly mapsMb: number
}

export function footprint(pid: number): Footprint {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const mb = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0) / 1024
  const privateMb = mb('Private_Clean') + mb('Private_Dirty')
  return { rssMb: mb('Rss'), pssMb: mb('Pss'), privateMb, mapsMb: bpfMapsMb(pid) }
}

function bpfMapsMb(pid: number): number {
  const directory = `/proc/${pid}/fdinfo`
  const bytes = new Map<string, number>()
  for (const name of readdirSync(directory)) {
    const text = readFileSync(join(directory, name), 'latin1')
    const id = /^map_id:\s+(\d+)/m.exec(text)?.[1]
    if (id !== undefined) bytes.set(id, Number(/^memlock:\s+(\d+)/m.exec(text)?.[1] ?? 0))
  }
  return [...bytes.values()].reduce((sum, one) => sum + one, 0) / 1024 / 1024
}
