/**
 * From just before an alert is posted to the effect as its receiver sees it, through the responder's own door: HTTP,
 * ledger, gates, plan (GET), intent, act (PATCH). The receiver stands for kube-apiserver and answers after 1 ms.
 * Goals: idle p50 8 ms and p99 25; one hundred back to back 50 effects/s and p99 250 ms; one thousand in under 20 s.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fdatasyncSync, mkdirSync, openSync, closeSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { nodeHeader, nodeRoutes } from '../contract/verdict.ts'
import { alertOf, targetOf } from '../e2e/drafts.ts'
import { scratch } from '../e2e/bench/detector.ts'
import { printMachine, printTable, quantile } from '../e2e/bench/table.ts'

const rule = 'Mark it'
const policy = `
apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: mark }
spec:
  mode: enforce
  match: { rules: { names: [${rule}] } }
  limits:
    perTarget: { actions: 5, per: 1m, classes: [mark, contain, disrupt, destroy] }
    perNode: { actions: 5000, per: 1m, classes: [mark, contain, disrupt, destroy] }
    global: { actions: 5000, per: 1m, classes: [mark, contain, disrupt, destroy] }
  ladder:
    - { name: only, do: [{ mark_object: {} }] }
`

interface Counted {
  readonly cpuMs: number
  readonly all: number
  readonly commits: number
  readonly redis: number
}
interface Report {
  readonly marks: readonly (readonly [string, string, number])[]
  readonly counted: Counted
}

const now = () => performance.timeOrigin + performance.now()
/** What happened to each target, in milliseconds of the epoch. */
const seen = { get: new Map<string, number>(), patch: new Map<string, number>() }
let onPatch: (target: string) => void = () => undefined

const api = createServer((request, response) => {
  const target = decodeURIComponent((request.url ?? '').slice(1))
  const isPatch = request.method === 'PATCH'
  if (isPatch) seen.patch.set(target, now())
  else if (!seen.get.has(target)) seen.get.set(target, now())
  request.resume()
  setTimeout(() => {
    response.end('{}')
  }, 1)
  if (isPatch) onPatch(target)
})

function syncTimes(directory: string): readonly number[] {
  const file = openSync(join(directory, 'synced'), 'w')
  const block = Buffer.alloc(8192, 1)
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, block)
    const began = performance.now()
    fdatasyncSync(file)
    return performance.now() - began
  })
  closeSync(file)
  return times
}

class Door {
  readonly #child: ChildProcess
  readonly #pool: Pool
  readonly #headers: Readonly<Record<string, string>>
  #pids = 10

  constructor(child: ChildProcess, { url, token }: { url: string; token: string }) {
    this.#child = child
    this.#pool = new Pool(url, { connections: 32 })
    this.#headers = {
      authorization: `Bearer ${token}`,
      [nodeHeader]: 'node-a',
      'content-type': 'application/json',
    }
  }

  alert() {
    return alertOf(this.#pids++, { rule })
  }

  async post(alerts: readonly unknown[]): Promise<void> {
    const body = JSON.stringify({ alerts })
    const request = {
      method: 'POST',
      path: nodeRoutes.alerts,
      headers: this.#headers,
      body,
    } as const
    const response = await this.#pool.request(request)
    const text = await response.body.text()
    if (response.statusCode !== 204) throw new Error(`answered ${response.statusCode} ${text}`)
  }

  async report(): Promise<Report> {
    const answer = once(this.#child, 'message')
    this.#child.send('report')
    const [report]: Report[] = await answer
    if (report === undefined) throw new Error('the responder said nothing')
    return report
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.disconnect()
    await exit
    await this.#pool.destroy()
  }
}

interface Path {
  readonly target: string
  readonly postedMs: number
  answeredMs: number
}

const until = async (targets: readonly string[]) => {
  const left = new Set(targets.filter((target) => !seen.patch.has(target)))
  if (left.size === 0) return
  await new Promise<void>((resolve) => {
    onPatch = (target) => {
      left.delete(target)
      if (left.size === 0) resolve()
    }
  })
}

async function one(door: Door): Promise<Path> {
  const alert = door.alert()
  const path = { target: targetOf(alert).uid, postedMs: now(), answeredMs: 0 }
  await door.post([alert])
  path.answeredMs = now()
  return path
}

const ms = (value: number) => value.toFixed(2)
const spreadOf = (values: readonly number[]) =>
  [0.5, 0.9, 0.99, 1].map((share) => ms(quantile(values, share)))

async function idle(door: Door, count: number): Promise<readonly Path[]> {
  const paths: Path[] = []
  for (let index = 0; index < count; index++) {
    const path = await one(door)
    await until([path.target])
    paths.push(path)
    await sleep(25)
  }
  return paths
}

const latencies = (paths: readonly Path[]) =>
  paths.map(({ target, postedMs }) => (seen.patch.get(target) ?? NaN) - postedMs)

function perAlert(count: number, before: Counted, after: Counted): string[] {
  const keys = ['cpuMs', 'all', 'commits', 'redis'] as const
  return keys.map((key) => ((after[key] - before[key]) / count).toFixed(2))
}

/** Points in their order, and how long after the one before each step came to it. */
function breakdown(paths: readonly Path[], { marks }: Report): string[][] {
  const at = new Map(marks.map(([point, target, atMs]) => [`${point} ${target}`, atMs]))
  const points: [string, (path: Path) => number | undefined][] = [
    ['claimed', ({ target }) => at.get(`claimed ${target}`)],
    ['asked (GET arrives)', ({ target }) => seen.get.get(target)],
    ['planned', ({ target }) => at.get(`planned ${target}`)],
    ['intent durable', ({ target }) => at.get(`intent ${target}`)],
    ['effect (PATCH arrives)', ({ target }) => seen.patch.get(target)],
    ['acted', ({ target }) => at.get(`acted ${target}`)],
    ['ended', ({ target }) => at.get(`ended ${target}`)],
    ['204', ({ answeredMs }) => answeredMs],
  ]
  return points.map(([name, when]) => {
    const since = paths.map((path) => (when(path) ?? NaN) - path.postedMs)
    return [name, ...spreadOf(since)]
  })
}

async function main() {
  using directory = scratch()
  printMachine()
  const [p50, , p99] = spreadOf(syncTimes(directory.path))
  console.log(`fdatasync of 8 KiB: p50 ${p50} ms, p99 ${p99}\n`)
  const policies = join(directory.path, 'policies')
  mkdirSync(policies)
  writeFileSync(join(policies, 'mark.yaml'), policy)
  api.listen(0, '127.0.0.1')
  await once(api, 'listening')
  const address = api.address()
  const port = typeof address === 'object' ? address?.port : 0
  const script = join(import.meta.dirname, 'path-child.ts')
  const child = fork(script, [join(directory.path, 'data'), policies, `http://127.0.0.1:${port}`])
  const [hello]: { url: string; token: string }[] = await once(child, 'message')
  if (hello === undefined) throw new Error('the responder did not start')
  const door = new Door(child, hello)
  await idle(door, 40)
  await sleep(300)
  await door.report()
  const rows: string[][] = []
  const costs: string[][] = []
  const measure = async (name: string, count: number, work: () => Promise<readonly Path[]>) => {
    const { counted } = await door.report()
    const began = now()
    const paths = await work()
    await until(paths.map(({ target }) => target))
    const lastMs = Math.max(...paths.map(({ target }) => seen.patch.get(target) ?? NaN))
    const tookMs = lastMs - began
    await sleep(500)
    const report = await door.report()
    rows.push([name, ...spreadOf(latencies(paths)), ((count / tookMs) * 1000).toFixed(0)])
    costs.push([name, ...perAlert(count, counted, report.counted)])
    return { paths, report }
  }
  const quiet = await measure('idle, 200 alerts', 200, () => idle(door, 200))
  await measure('back to back, 100 alerts', 100, () =>
    Promise.all(Array.from({ length: 100 }, () => one(door))),
  )
  await measure('1,000 alerts in two batches', 1000, async () => {
    const alerts = Array.from({ length: 1000 }, () => door.alert())
    const postedMs = now()
    await Promise.all([door.post(alerts.slice(0, 500)), door.post(alerts.slice(500))])
    return alerts.map((alert) => ({ target: targetOf(alert).uid, postedMs, answeredMs: now() }))
  })
  console.log(`\nAlert posted → effect\n`)
  printTable(['', 'p50 ms', 'p90', 'p99', 'most', 'effects/s'], rows)
  console.log('\nThe responder, an alert\n')
  printTable(['', 'CPU ms', 'SQL statements', 'commits', 'Redis commands'], costs)
  console.log('\nIdle: after the alert was posted\n')
  printTable(['', 'p50 ms', 'p90', 'p99', 'most'], breakdown(quiet.paths, quiet.report))
  await door.stop()
  api.close()
  api.closeAllConnections()
}

await main()
