/** What the hooks cost everybody else: CPU of a workload with and without them, as ratios in one run. Prints one line a row. */
import { spawnSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { openScope } from '../scope/scope.ts'
import { findCgroupTrees } from '../verdicts/cgroups.ts'
import { makeCgroup } from '../verdicts/testing.ts'
import { type KernelOptions, startKernel } from './kernel.ts'

const workloads = {
  getpid: 2_000_000,
  'read+write': 600_000,
  'open+close': 200_000,
  'fork+exec': 600,
}
const { unified = '' } = findCgroupTrees()
/** The workload runs in `node`; the other one shares the kernel. */
using node = makeCgroup(unified)
using other = makeCgroup(unified)
const scopeOf = ({ directory }: typeof node) =>
  openScope({ scope: `/${basename(directory)}`, cgroupRoot: '/sys/fs/cgroup' })

const variants: Readonly<Record<string, Partial<KernelOptions> | null>> = {
  nothing: null,
  'exec, fork, exit': { events: [] },
  'a network call': { events: ['connect'] },
  'that, 32-bit too': { events: ['connect'], compat: 'always' },
  openat: { events: ['openat'] },
  'openat, of its node': { events: ['openat'], scope: scopeOf(node) },
  'openat, of another': { events: ['openat'], scope: scopeOf(other) },
  'openat, 32-bit too': { events: ['openat'], compat: 'always' },
}
const REPEATS = 5

const directory = mkdtempSync(join(tmpdir(), 'riposte-bench-'))
const storm = join(directory, 'storm')

async function nanosecondsOf(workload: string, turns: number): Promise<number> {
  const argv = ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', node.directory]
  const child = spawn('sh', [...argv, storm, workload, String(turns)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  await once(child, 'close')
  return Number(printed)
}

async function measure(options: Partial<KernelOptions> | null, workload: string, turns: number) {
  if (options === null) return { cost: await nanosecondsOf(workload, turns), own: 0, lost: 0 }
  let lost = 0
  const source = startKernel({
    events: [],
    compat: 'never',
    isScanWanted: false,
    onEvent: () => undefined,
    onLost: ({ count }) => (lost += count),
    ...options,
  })
  const before = process.cpuUsage()
  try {
    const cost = await nanosecondsOf(workload, turns)
    const { user, system } = process.cpuUsage(before)
    return { cost, own: ((user + system) * 1000) / turns, lost }
  } finally {
    source.close()
  }
}

/** The least of several, taken in turns: what disturbs a run only adds. */
const least = (numbers: readonly number[]) => Math.min(...numbers)

try {
  const source = new URL('storm.c', import.meta.url).pathname
  const built = spawnSync('gcc', ['-O2', '-o', storm, source], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(built.stderr)
  for (const [workload, turns] of Object.entries(workloads)) {
    const results = new Map(
      Object.keys(variants).map((name) => [
        name,
        [] as { cost: number; own: number; lost: number }[],
      ]),
    )
    for (let repeat = 0; repeat < REPEATS; repeat++)
      for (const [name, options] of Object.entries(variants))
        results.get(name)?.push(await measure(options, workload, turns))
    const base = least(results.get('nothing')?.map(({ cost }) => cost) ?? [])
    for (const [name, runs] of results) {
      const cost = least(runs.map((run) => run.cost))
      const own = least(runs.map((run) => run.own))
      const lost = runs.reduce((sum, run) => sum + run.lost, 0)
      console.log(
        `${workload.padEnd(11)} ${name.padEnd(20)} ${cost.toFixed(0).padStart(8)} ns  x${(cost / base).toFixed(2)}  reader ${own.toFixed(0).padStart(5)} ns  lost ${lost}`,
      )
    }
  }
} finally {
  rmSync(directory, { recursive: true })
}
