/**
 * What a detector costs everybody else: workloads with none, with our rules, with all 93 stock rules, interleaved.
 * Goals: open+close 1.2x, read+write 1.3x, fork+exec 1.03x, redis-benchmark at least 0.92 of bare.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  availableRuleSets,
  canRunLive,
  cpuSeconds,
  Riposte,
  ruleSets,
  scratch,
} from './detector.ts'
import { buildC, output, start, stormSource } from './storm.ts'
import { median, printMachine, printTable, spread } from './table.ts'

const ROUNDS = 3
const turns = { getpid: 2_000_000, 'read+write': 600_000, 'open+close': 200_000, 'fork+exec': 500 }
const REQUESTS = 40_000

/** Workload → a figure a run: CPU nanoseconds a turn (of the server for redis), or nanoseconds of time a request. */
type Measured = Map<string, { cost: number[]; cpu: number[] }>

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function openRedis(directory: string, port: number): Promise<ChildProcess | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined
  const pidfile = join(directory, 'redis.pid')
  const server = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--pidfile', pidfile, '--dir', directory],
    { stdio: 'ignore' },
  ) // prettier-ignore
  while (!existsSync(pidfile)) await sleep(20)
  return server
}

function nanosecondsARequest(port: number, test: string): number {
  const ran = spawnSync(
    'redis-benchmark',
    ['-p', String(port), '-t', test, '-n', String(REQUESTS), '-c', '20', '--csv'],
    { encoding: 'utf8' },
  )
  const perSecond = /^"[A-Z]+","([\d.]+)"/m.exec(ran.stdout)?.[1]
  return 1e9 / Number(perSecond)
}

interface Redis {
  readonly port: number
  readonly pid: number
}

async function measureAll(program: string, redis: Redis | undefined, pid: number, into: Measured) {
  const measure = async (name: string, count: number, run: () => Promise<number> | number) => {
    const before = pid === 0 ? 0 : cpuSeconds(pid)
    const cost = await run()
    const cpu = pid === 0 ? 0 : ((cpuSeconds(pid) - before) * 1e9) / count
    const known = into.get(name) ?? { cost: [], cpu: [] }
    known.cost.push(cost)
    known.cpu.push(cpu)
    into.set(name, known)
  }
  for (const [name, count] of Object.entries(turns))
    await measure(name, count, async () => Number(await output(start(program, name, count))))
  if (redis === undefined) return
  for (const test of ['set', 'get']) {
    const before = cpuSeconds(redis.pid)
    await measure(`redis ${test}, time`, REQUESTS, () => nanosecondsARequest(redis.port, test))
    const cost = ((cpuSeconds(redis.pid) - before) * 1e9) / REQUESTS
    await measure(`redis ${test}, server's CPU`, REQUESTS, () => cost)
  }
}

async function main() {
  if (!canRunLive()) return
  printMachine()
  using directory = scratch()
  const program = buildC(directory.path, stormSource)
  if (program === undefined) return
  const variants = ['none', ...availableRuleSets()] as const
  const results = new Map(variants.map((name): [string, Measured] => [name, new Map()]))
  const port = await freePort()
  const redis = await openRedis(directory.path, port)
  if (redis === undefined) console.log('redis-benchmark: skipped, no redis-server here\n')
  const served = redis?.pid === undefined ? undefined : { port, pid: redis.pid }
  try {
    for (let round = 0; round < ROUNDS; round++)
      for (const variant of variants) {
        const into = results.get(variant) ?? new Map()
        if (variant === 'none') {
          await measureAll(program, served, 0, into)
          continue
        }
        await using detector = new Riposte([
          'detect', '--data', join(directory.path, 'data'), ...ruleSets[variant](),
        ]) // prettier-ignore
        await detector.ready()
        await measureAll(program, served, detector.pid, into)
      }
  } finally {
    redis?.kill()
  }
  print(results)
}

function print(results: ReadonlyMap<string, Measured>) {
  const bare: Measured = results.get('none') ?? new Map()
  const rows = [...bare].flatMap(([workload, { cost: base }]) =>
    [...results].map(([variant, measured]) => {
      const { cost, cpu } = measured.get(workload) ?? { cost: [], cpu: [] }
      const ratios = cost.map((one, round) => one / (base[round] ?? Number.NaN))
      return [
        workload, variant, spread(cost, 0), variant === 'none' ? '' : spread(ratios),
        variant === 'none' ? '' : median(cpu).toFixed(0),
      ] // prettier-ignore
    }),
  )
  printTable(['workload', 'rules', 'ns a turn', 'ratio', "detector's CPU, ns a turn"], rows)
}

await main()
