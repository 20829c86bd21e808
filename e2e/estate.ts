/** A small estate for tests of the responder's core: its own Redis, a ledger, policies of one rung, and a world of files. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Alert } from '../contract/alert.ts'
import type { Case } from '../responder/case.ts'
import { startCore, type Core } from '../responder/core.ts'
import type { Change, CoreParts } from '../responder/core-parts.ts'
import { noKubernetes } from '../responder/kubernetes/absent.ts'
import { openLedger, type Ledger, type LedgerAddress } from '../responder/ledger/open.ts'
import { findStep, listSteps } from '../responder/ledger/steps.ts'
import { startRedis, type OwnRedis } from '../responder/redis.ts'
import type { Step, StepDraft } from '../responder/step.ts'
import { targetOf } from './drafts.ts'
import { worldOf, type World } from './world.ts'

export interface EstateOptions {
  readonly plan: (alert: Alert, found: Case, steps: readonly Step[]) => readonly StepDraft[]
  readonly policyMode?: () => 'off' | 'audit' | 'enforce' | undefined
  readonly address?: LedgerAddress
  readonly parts?: Partial<CoreParts>
}

export interface Estate extends AsyncDisposable {
  readonly core: Core
  readonly ledger: Ledger
  readonly redis: OwnRedis
  readonly world: World
  readonly changes: readonly Change[]
  /** Takes the alerts, waits until nothing is left to do now, and says how their steps stand. */
  readonly respond: (...given: readonly Alert[]) => Promise<readonly Step[]>
  readonly step: (id: string) => Promise<Step>
}

/** Everything that the parts of a core need and a test does not care about. */
export const partsFor = (
  options: Pick<EstateOptions, 'plan' | 'policyMode'>,
  world: World,
): Omit<CoreParts, 'ledger' | 'redis' | 'isRedisOurs' | 'onChange'> => ({
  directory: world.directory,
  judge: {
    correlate: (alert) => [
      { policy: 'p', key: targetOf(alert).uid, target: targetOf(alert), windowMs: 900_000 },
    ],
    plan: options.plan,
  },
  actions: world.actions,
  protected: [],
  modeOf: options.policyMode ?? (() => 'enforce'),
  linkTo: () => ({ ask: () => Promise.reject(new Error('no action here asks a node')) }),
  kubernetes: () => noKubernetes,
  notify: () => Promise.resolve(),
  linkOf: () => null,
  retention: {
    keepMs: 86_400_000,
    alerts: 10_000,
    cases: 10_000,
    auditRecords: 100_000,
    archiveBytes: 1 << 20,
  },
  log: () => undefined,
  times: { leaseMs: 2000, sweepMs: 250, watchMs: 100, checkpointMs: 500 },
})

export async function startEstate(options: EstateOptions): Promise<Estate> {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-estate-'))
  const world = worldOf(directory)
  const redis = await startRedis(join(directory, 'redis'))
  const ledger = await openLedger(options.address ?? { file: join(directory, 'ledger.db') })
  const changes: Change[] = []
  const stop = async () => {
    await ledger[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true })
  }
  const core = await startCore({
    ...partsFor(options, world),
    ledger,
    redis: redis.address,
    isRedisOurs: true,
    onChange: (change) => changes.push(change),
    ...options.parts,
  }).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  const step = async (id: string) => {
    const found = await findStep(ledger, id)
    if (found === undefined) throw new Error(`no step ${id}`)
    return found
  }
  return {
    core,
    ledger,
    redis,
    world,
    changes,
    step,
    async respond(...given) {
      await core.takeAlerts(given)
      await core.idle()
      return (await listSteps(ledger, { limit: 1000 })).toReversed()
    },
    async [Symbol.asyncDispose]() {
      await core[Symbol.asyncDispose]()
      await stop()
    },
  }
}

/** Looks again until it holds; the time is only for when it never does. */
export async function eventually(check: () => boolean | Promise<boolean>, withinMs = 15_000) {
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(15))
    if (await check()) return
  throw new Error(`not so within ${withinMs} ms: ${check.toString()}`)
}
