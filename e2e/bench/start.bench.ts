/**
 * From the command to the first event that is judged (goal 1.5 s), and from SIGINT to the exit: a file is opened every few
 * milliseconds until an alert tells of it.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { availableRuleSets, canRunLive, cpuSeconds, Riposte, ruleAbout, type RuleSet, ruleSets, scratch } from './detector.ts' // prettier-ignore
import { printMachine, printTable, spread } from './table.ts'

const ROUNDS = 5
const STEP_MS = 2

async function oneLife(rules: RuleSet) {
  using directory = scratch()
  const file = join(directory.path, 'shadow')
  writeFileSync(file, '')
  const argv = ['--data', join(directory.path, 'data'), '-r', ruleAbout(directory.path, file)]
  const before = performance.now()
  await using detector = new Riposte(['detect', ...argv, ...ruleSets[rules]()])
  const life = { judgedMs: 0, readyMs: 0 }
  detector.onLine = (line) => {
    if (life.judgedMs === 0 && line.includes('bench saw'))
      life.judgedMs = performance.now() - before
  }
  const ready = detector.ready().then(() => {
    life.readyMs = performance.now() - before
  })
  while (life.judgedMs === 0) {
    closeSync(openSync(file, 'r'))
    await sleep(STEP_MS)
  }
  await ready
  const cpu = cpuSeconds(detector.pid)
  return { ...life, cpuMs: cpu * 1000, stopMs: await detector.stop() }
}

async function main() {
  if (!canRunLive()) return
  printMachine()
  const sets = availableRuleSets()
  const lives = new Map(sets.map((rules) => [rules, [] as Awaited<ReturnType<typeof oneLife>>[]]))
  for (let round = 0; round < ROUNDS; round++)
    for (const rules of sets) lives.get(rules)?.push(await oneLife(rules))
  const rows = [...lives].map(([rules, runs]) => [
    rules,
    spread(runs.map(({ judgedMs }) => judgedMs), 0),
    spread(runs.map(({ readyMs }) => readyMs), 0),
    spread(runs.map(({ cpuMs }) => cpuMs), 0),
    spread(runs.map(({ stopMs }) => stopMs), 0),
  ]) // prettier-ignore
  printTable(['rules', 'first judged event, ms', 'ready, ms', 'CPU until then, ms', 'SIGINT to exit, ms'], rows) // prettier-ignore
}

await main()
