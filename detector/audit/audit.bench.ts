/** One line: what an audit event costs from bytes to judged, by all rules on it that are here, and against JSON.parse alone. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sharedData } from '../../scripts/shared-data.ts'
import { parseAudit } from './parse.ts'
import { auditEvent, judging } from './testing.ts'

const ROUNDS = 60
const own = new URL('../../rules/70-k8s-audit.yaml', import.meta.url).pathname
const stock = sharedData('falco-rules/k8s_audit_rules.yaml')
const folder = sharedData('k8s-audit')

const recorded =
  folder === undefined
    ? [JSON.stringify(auditEvent({}))]
    : readdirSync(folder).flatMap((name) =>
        readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean),
      )

const bytes = recorded.reduce((sum, line) => sum + line.length, 0) / recorded.length

/** Microseconds an event, the median of the rounds. */
async function median(work: () => Promise<unknown> | void): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    // oxlint-disable-next-line no-await-in-loop -- one round after the other
    await work()
    times.push((performance.now() - start) * 1000)
  }
  times.sort((a, b) => a - b)
  return (times[ROUNDS >> 1] ?? 0) / recorded.length
}

using judged = judging([...(stock === undefined ? [] : [stock]), own])
const parsing = await median(() => {
  for (const line of recorded) JSON.parse(line)
})
const whole = await median(async () => {
  // oxlint-disable-next-line no-await-in-loop -- in order
  for (const line of recorded) await judged.pipeline.take(parseAudit(line, 262_144))
})
console.log(
  `audit: ${whole.toFixed(1)} us an event of ${bytes.toFixed(0)} bytes, ${judged.pipeline.rules.ruleset.rules.length} rules; JSON.parse alone ${parsing.toFixed(1)} us (${(whole / parsing).toFixed(1)}x)`,
)
