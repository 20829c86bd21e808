/** A responder's core in a process of its own, which a crash test kills or freezes at a named point. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { sampleAlert } from '../responder/policy/alert.sample.ts'
import { startCore } from '../responder/core.ts'
import { openLedger, type LedgerAddress } from '../responder/ledger/open.ts'
import { listSteps } from '../responder/ledger/steps.ts'
import { startRedis } from '../responder/redis.ts'
import type { Point } from '../responder/run-parts.ts'
import { draft, terms } from './drafts.ts'
import { eventually, partsFor } from './estate.ts'
import { worldOf } from './world.ts'

export interface CrashOrder {
  readonly directory: string
  readonly redis: string
  readonly ledger: LedgerAddress
  readonly action: 'stop' | 'block' | 'tell'
  /** The effect is undone after this; null: it stays. */
  readonly ttlMs: number | null
  readonly crash: {
    readonly point: Point
    readonly kind: 'act' | 'undo'
    readonly signal: NodeJS.Signals
  } | null
}

const order: CrashOrder = JSON.parse(process.argv[2] ?? '')
const world = worldOf(order.directory)
await using redis = await startRedis(join(order.directory, order.redis))
await using ledger = await openLedger(order.ledger)
const undo = order.ttlMs === null ? null : { ttlMs: order.ttlMs, onExpiry: 'revert' as const }
const risks = { stop: 'disrupt', block: 'contain', tell: 'notify' } as const
const plan: Parameters<typeof partsFor>[0]['plan'] = (alert, found) => [
  draft(alert, found, { action: order.action, risk: risks[order.action], terms: terms({ undo }) }),
]
let isCrashDue = order.crash !== null
{
  await using core = await startCore({
    ...partsFor({ plan }, world),
    times: { leaseMs: 800, sweepMs: 200, watchMs: 100, checkpointMs: 200 },
    ledger,
    redis: redis.address,
    isRedisOurs: true,
    onChange: () => undefined,
    reach(point, step) {
      const { crash } = order
      if (!isCrashDue || crash?.point !== point || crash.kind !== step.kind) return
      isCrashDue = false
      process.kill(process.pid, crash.signal)
    },
  })
  await core.takeAlerts([sampleAlert()])
  await eventually(async () => {
    const steps = await listSteps(ledger, { limit: 9 })
    const hasAll = steps.length === (order.ttlMs === null ? 1 : 2)
    return hasAll && steps.every(({ status }) => status === 'ended')
  })
}
const steps = await listSteps(ledger, { limit: 9 })
process.stdout.write(JSON.stringify(steps.map(({ kind, outcome }) => ({ kind, outcome }))))
rmSync(join(order.directory, order.redis), { recursive: true, force: true })
