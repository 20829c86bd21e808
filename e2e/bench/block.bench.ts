/**
 * From just before an offending open() to the first datagram of its process that the kernel refuses, with `riposte run`:
 * alert, responder, verdict, cgroup block. Goal: p99 at most 50 ms.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findCgroupTrees } from '../../detector/verdicts/cgroups.ts'
import { canRunLive, Riposte, ruleAbout, scratch } from './detector.ts'
import { buildC, output } from './storm.ts'
import { printMachine, printTable, quantile } from './table.ts'

const ATTACKS = 100
const GAP_MS = 60

const policy = `
apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: bench }
spec:
  mode: enforce
  match: { rules: { names: [Bench opens its file] } }
  correlate: { cooldown: 1s }
  limits: { perTarget: { actions: 100000, per: 1m }, perNode: { actions: 100000, per: 1m }, global: { actions: 100000, per: 1m } }
  ladder:
    - { name: cut, do: [{ block_network: { scope: cgroup } }] }
`

async function measure(unified: string): Promise<void> {
  using directory = scratch()
  const program = buildC(directory.path, join(import.meta.dirname, 'block.c'))
  if (program === undefined) return
  const file = join(directory.path, 'shadow')
  writeFileSync(file, '')
  const policies = join(directory.path, 'policies')
  mkdirSync(policies)
  writeFileSync(join(policies, 'bench.yaml'), policy)
  const cgroup = join(unified, `riposte-bench-${process.pid}`)
  mkdirSync(cgroup)
  try {
    await using riposte = new Riposte([
      'run', '--data', join(directory.path, 'data'), '--listen', '127.0.0.1:0',
      '-r', ruleAbout(directory.path, file), '--policies', policies,
    ]) // prettier-ignore
    await riposte.ready()
    // The detector has asked for its orders by then.
    await sleep(2000)
    const attacks = spawn(program, [String(ATTACKS), file, cgroup, String(GAP_MS)])
    const printed = (await output(attacks)).trim().split('\n').map(Number)
    const cut = printed.filter((ns) => ns >= 0).map((ns) => ns / 1e6)
    const at = (share: number) => quantile(cut, share).toFixed(2)
    printTable(
      ['cut off', 'least ms', 'p50', 'p90', 'p99', 'most'],
      [[`${cut.length} of ${ATTACKS}`, at(0), at(0.5), at(0.9), at(0.99), at(1)]],
    )
  } finally {
    rmdirSync(cgroup)
  }
}

async function main() {
  const { unified } = findCgroupTrees()
  if (!canRunLive() || unified === undefined) return
  printMachine()
  await measure(unified)
}

/** Blocks outlive a detector by their pins: in a mount namespace of its own the bpffs that holds them goes with it. */
if (process.argv[2] === 'inside') await main()
else spawnSync('unshare', ['--mount', process.execPath, ...process.execArgv, import.meta.filename, 'inside'], { stdio: 'inherit' }) // prettier-ignore
