/** The workload program of detector/sources/storm.c, built for a bench: CPU nanoseconds a turn. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Path of the built program; undefined, with the reason printed, where there is no compiler. */
export function buildC(directory: string, source: string): string | undefined {
  const program = join(directory, 'workload')
  const built = spawnSync('gcc', ['-O2', '-o', program, source], { encoding: 'utf8' })
  if (built.status === 0) return program
  console.log(`skipped: gcc cannot build ${source}: ${built.error?.message ?? built.stderr}`)
  return undefined
}

export const stormSource = join(import.meta.dirname, '../../detector/sources/storm.c')

export const start = (program: string, workload: string, turns: number): ChildProcess =>
  spawn(program, [workload, String(turns)], { stdio: ['ignore', 'pipe', 'inherit'] })

/** What it printed. */
export async function output(child: ChildProcess): Promise<string> {
  let printed = ''
  child.stdout?.on('data', (chunk) => (printed += String(chunk)))
  await once(child, 'close')
  return printed
}
