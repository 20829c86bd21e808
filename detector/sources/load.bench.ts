/** What loading costs: the verifier's work by program, so that a change which doubles it is seen. Prints one line a row. */
import { readFileSync } from 'node:fs'
import { attach } from './attach.ts'
import { calls } from './hooks.ts'

const MIB = 1024 * 1024

/** Instructions that the verifier looked at (kernel 5.16), from the descriptor's own description. */
const verified = (descriptor: number): number =>
  Number(
    /verified_insns:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1],
  )

for (const compat of ['always', 'never'] as const) {
  const cpuBefore = process.cpuUsage()
  const { object } = attach({
    events: Object.keys(calls),
    compat,
    ringBytes: { process: MIB, file: MIB, network: MIB },
    isSelfHidden: true,
    isTracefsUsed: true,
    scope: { level: 0, cgroupId: 0n },
  })
  const { user, system } = process.cpuUsage(cpuBefore)
  const rows = object
    .programs()
    .map((name) => ({ name, instructions: verified(object.programFd(name)) }))
    .toSorted((a, b) => b.instructions - a.instructions)
  const sum = rows.reduce((total, { instructions }) => total + instructions, 0)
  const closing = performance.now()
  object.close()
  const closedMs = performance.now() - closing
  console.log(
    `compat ${compat}: ${rows.length} programs, ${sum} instructions verified, ${((user + system) / 1000).toFixed(0)} ms of CPU to load, ${closedMs.toFixed(0)} ms to close`,
  )
  for (const { name, instructions } of rows.slice(0, 12))
    console.log(`  ${name.padEnd(24)} ${instructions}`)
}
