/**
 * From just before open() to the alert's line read from the detector's stdout, 200 times: idle with our rules, idle with
 * all 93 stock rules, and those under an open+close storm of one core. Goals: p50 1 ms, p99 5 ms idle; 200 of 200 and
 * p99 20 ms in the storm.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { availableRuleSets, canRunLive, Riposte, ruleAbout, type RuleSet, ruleSets, scratch } from './detector.ts' // prettier-ignore
import { buildC, start, stormSource } from './storm.ts'
import { printMachine, printTable, quantile } from './table.ts'

const OPENS = 200
/** Between two opens, so that each finds the detector asleep; a little different each time. */
const GAP_MS = 12
const GIVE_UP_MS = 2000

async function latencies(detector: Riposte, file: string): Promise<number[]> {
  const seen: number[] = []
  for (let index = 0; index < OPENS; index++) {
    await sleep(GAP_MS + (index % 7))
    const arrived = new Promise<number>((resolve) => {
      detector.onLine = (line) => {
        if (line.includes('bench saw')) resolve(performance.now())
      }
    })
    const before = performance.now()
    closeSync(openSync(file, 'r'))
    const after = await Promise.race([arrived, sleep(GIVE_UP_MS)])
    if (after !== undefined) seen.push(after - before)
  }
  return seen
}

async function measure(rules: RuleSet, storm: string | undefined): Promise<string[]> {
  using directory = scratch()
  const file = join(directory.path, 'shadow')
  writeFileSync(file, '')
  await using detector = new Riposte([
    'detect', '--data', join(directory.path, 'data'), '-r', ruleAbout(directory.path, file), ...ruleSets[rules](),
  ]) // prettier-ignore
  await detector.ready()
  // What is cold at first is measured by the bench of starting.
  await sleep(1000)
  const noise = storm === undefined ? undefined : start(storm, 'open+close', 1_000_000_000)
  try {
    const found = await latencies(detector, file)
    const at = (share: number) => quantile(found, share).toFixed(2)
    return [
      rules, storm === undefined ? 'idle' : 'open+close storm', `${found.length} of ${OPENS}`,
      at(0.5), at(0.9), at(0.99), Math.max(...found).toFixed(2),
    ] // prettier-ignore
  } finally {
    noise?.kill('SIGKILL')
  }
}

async function main() {
  if (!canRunLive()) return
  printMachine()
  using directory = scratch()
  const storm = buildC(directory.path, stormSource)
  const rows: string[][] = []
  for (const rules of availableRuleSets()) {
    rows.push(await measure(rules, undefined))
    if (storm !== undefined) rows.push(await measure(rules, storm))
  }
  printTable(['rules', 'machine', 'seen', 'p50 ms', 'p90', 'p99', 'most'], rows)
}

await main()
