/**
 * From just before an offending open() to the process' end as its parent sees it, with `riposte run`: killed by the
 * kernel inside the call, and from user space (alert, responder, verdict, pidfd). Goal from user space: p50 2 ms, p99 10.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { canRunLive, Riposte, ruleAbout, scratch } from './detector.ts'
import { buildC, output } from './storm.ts'
import { printMachine, printTable, quantile } from './table.ts'
import { spawn } from 'node:child_process'

const KILLS = 30
const GAP_MS = 60

/** A rung with a `when` is decided by the responder; one without is carried out by the kernel. */
const ladders = {
  'in the kernel': '- { name: strike, do: [{ kill_process: { scope: process } }] }',
  'from user space':
    '- { name: strike, when: case.count >= 1, do: [{ kill_process: { scope: process } }] }',
} as const

const policy = (ladder: string) => `
apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: bench }
spec:
  mode: enforce
  match: { rules: { names: [Bench opens its file] } }
  correlate: { cooldown: 1s }
  limits: { perTarget: { actions: 100000, per: 1m }, perNode: { actions: 100000, per: 1m }, global: { actions: 100000, per: 1m } }
  fuse: { max: 100000, per: 1m }
  ladder:
    ${ladder}
`

async function measure(where: keyof typeof ladders): Promise<string[] | undefined> {
  using directory = scratch()
  const program = buildC(directory.path, join(import.meta.dirname, 'strike.c'))
  if (program === undefined) return undefined
  const file = join(directory.path, 'shadow')
  writeFileSync(file, '')
  const policies = join(directory.path, 'policies')
  mkdirSync(policies)
  writeFileSync(join(policies, 'bench.yaml'), policy(ladders[where]))
  await using riposte = new Riposte([
    'run', '--data', join(directory.path, 'data'), '--listen', '127.0.0.1:0',
    '-r', ruleAbout(directory.path, file), '--policies', policies,
  ]) // prettier-ignore
  await riposte.ready()
  // The detector has asked for its orders by then.
  await sleep(2000)
  const printed = await output(spawn(program, [String(KILLS), file, String(GAP_MS)]))
  const lives = printed.trim().split('\n').map((line) => line.split(' ').map(Number)) // prettier-ignore
  const killed = lives.filter(([, isKilled]) => isKilled === 1).map(([ns = 0]) => ns / 1e6)
  const at = (share: number) => quantile(killed, share).toFixed(3)
  return [where, `${killed.length} of ${KILLS}`, at(0), at(0.5), at(0.9), at(0.99)]
}

async function main() {
  if (!canRunLive()) return
  printMachine()
  const rows: string[][] = []
  for (const where of ['in the kernel', 'from user space'] as const) {
    const row = await measure(where)
    if (row !== undefined) rows.push(row)
  }
  printTable(['killed', 'seen', 'least ms', 'p50', 'p90', 'p99'], rows)
}

await main()
