/**
 * Memory of both processes of `riposte run`, with our rules: idle, and after a churn of 100,000 processes. Goal for the
 * detector: at most 100 MB of RSS, its ring mappings included.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { canRunLive, cpuSeconds, footprint, Riposte, ruleSets, scratch } from './detector.ts'
import { buildC, output, start, stormSource } from './storm.ts'
import { printMachine, printTable } from './table.ts'

const PROCESSES = 100_000
const SETTLE_MS = 5000

const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()

/** The command is the responder; beside its Redis the other child is the detector. */
function partsOf(pid: number): Readonly<Record<string, number>> {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  const children = text === '' ? [] : text.split(' ').map(Number)
  const redis = children.find((child) => nameOf(child).startsWith('redis')) ?? 0
  return { detector: children.find((child) => child !== redis) ?? 0, responder: pid }
}

const mb = (value: number) => value.toFixed(0)

function row(when: string, [name, pid]: readonly [string, number]): string[] {
  const { rssMb, pssMb, privateMb, mapsMb } = footprint(pid)
  return [name, when, mb(rssMb), mb(pssMb), mb(privateMb), mb(mapsMb), cpuSeconds(pid).toFixed(1)]
}

async function main() {
  if (!canRunLive()) return
  printMachine()
  using directory = scratch()
  const program = buildC(directory.path, stormSource)
  if (program === undefined) return
  await using riposte = new Riposte([
    'run', '--data', join(directory.path, 'data'), '--listen', '127.0.0.1:0', ...ruleSets.ours(),
  ]) // prettier-ignore
  await riposte.ready()
  await sleep(SETTLE_MS)
  const parts = Object.entries(partsOf(riposte.pid))
  const rows = parts.map((part) => row('idle', part))
  await output(start(program, 'fork', PROCESSES))
  await sleep(SETTLE_MS)
  rows.push(...parts.map((part) => row(`after ${PROCESSES} processes`, part)))
  printTable(['process', 'when', 'RSS MB', 'PSS', 'private', 'BPF maps', 'CPU s so far'], rows)
}

await main()
