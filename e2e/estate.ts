/**
 * A small estate for tests of the responder's core: its own Redis, a ledger, policies of one rung, and a world of
 * files that actions change. What really happened stands in `journal()`, one line an effect, also across processes.
 */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Alert } from '../contract/alert.ts'
import { noKubernetes } from '../responder/kubernetes/absent.ts'
import { action, type Action, type Call, type Effect } from '../responder/actions/action.ts'
import { ActionFailed, ActionRefused, TargetGone, Conflict } from '../responder/actions/errors.ts'
import type { Case } from '../responder/case.ts'
import { startCore, type Core } from '../responder/core.ts'
import type { Change, CoreParts } from '../responder/core-parts.ts'
import { openLedger, type Ledger, type LedgerAddress } from '../responder/ledger/open.ts'
import { findStep, listSteps } from '../responder/ledger/steps.ts'
import { sampleAlert } from '../responder/policy/alert.sample.ts'
import { startRedis, type OwnRedis } from '../responder/redis.ts'
import { stepIdOf, type Step, type StepDraft, type Terms } from '../responder/step.ts'

export const terms = (changes: Partial<Terms> = {}): Terms => ({
  deadlineMs: 60_000,
  timeoutMs: 10_000,
  attempts: 3,
  cooldownMs: 0,
  limits: [],
  fuse: null,
  breaker: null,
  approve: null,
  undo: null,
  ...changes,
})

export const approve = (changes: Partial<NonNullable<Terms['approve']>> = {}) => ({
  quorum: 1,
  denyQuorum: 1,
  from: [],
  notAllowed: [],
  isReasonRequired: false,
  timeoutMs: 60_000,
  channels: [],
  ...changes,
})

let alerts = 0
/** Alerts of one process; another `pid` is another target. */
export function alertOf(pid: number, changes: Partial<Alert> = {}): Alert {
  const { process } = sampleAlert()
  const id = (++alerts).toString(16).padStart(32, '0')
  return sampleAlert({ id, process: process === null ? null : { ...process, pid }, ...changes })
}

export const targetOf = (alert: Alert) => ({
  kind: 'process' as const,
  uid: `${alert.bootId}/${alert.process?.pid}/${alert.process?.startTimeNs}`,
  name: `${alert.process?.name} (${alert.process?.pid}) on ${alert.node}`,
  node: alert.node,
  namespace: null,
})

export function draft(alert: Alert, found: Case, changes: Partial<StepDraft> = {}): StepDraft {
  const base = {
    caseId: found.id,
    alertId: alert.id,
    policy: found.policy,
    policyGeneration: 'g1',
    rung: 'only',
    action: 'stop',
    parameters: {},
    target: targetOf(alert),
    workload: null,
    lane: 'strike' as const,
    risk: 'disrupt' as const,
    mode: 'enforce' as const,
    terms: terms(),
    after: [],
    afterMs: 0,
    recorded: null,
    ...changes,
  }
  const { target, ...key } = base
  return { id: stepIdOf({ ...key, targetUid: target.uid }), ...base }
}

/** Actions on the files of `directory`; each says in the journal what it did. */
export function worldOf(directory: string) {
  const journalFile = join(directory, 'journal')
  const say = (call: Call<unknown>, what: string) => {
    appendFileSync(journalFile, `${what} ${call.target.uid} ${call.stepId}\n`)
  }
  const hasSaid = (call: Call<unknown>, what: string) =>
    journal().includes(`${what} ${call.target.uid} ${call.stepId}`)
  const fileOf = (kind: string, uid: string) =>
    join(directory, `${kind}-${uid.replaceAll('/', '_')}`)
  const checkGone = ({ target }: Call<unknown>) => {
    if (existsSync(fileOf('gone', target.uid))) throw new TargetGone(`${target.name} is gone`)
  }
  const common = { target: 'process', capabilities: [], rbac: [], undoes: null } as const
  const stop = action({
    ...common,
    name: 'stop',
    summary: 'Stops a thing once.',
    risk: 'disrupt',
    parameters: z.looseObject({}),
    plan(call) {
      checkGone(call)
      const file = fileOf('stopped', call.target.uid)
      return Promise.resolve(
        existsSync(file)
          ? { kind: 'already_done', detail: `${call.target.name} is stopped` }
          : { kind: 'change', detail: `stop ${call.target.name}`, effect: planned(call) },
      )
    },
    run(call, effect) {
      checkGone(call)
      say(call, 'stop')
      writeFileSync(fileOf('stopped', call.target.uid), call.stepId)
      return Promise.resolve({ detail: `stopped ${call.target.name}`, effect })
    },
    verify: (call) => Promise.resolve(existsSync(fileOf('stopped', call.target.uid))),
  })
  /** What people approve; a test changes it to make a plan drift. */
  const planned = ({ target }: Call<unknown>): Effect => {
    const file = fileOf('drift', target.uid)
    return { members: existsSync(file) ? readFileSync(file, 'utf8') : 'one' }
  }
  const block = action({
    ...common,
    name: 'block',
    summary: 'Blocks a thing until it is undone.',
    risk: 'contain',
    undoes: 'unblocks it',
    parameters: z.looseObject({}),
    plan: (call) =>
      Promise.resolve({
        kind: 'change',
        detail: `block ${call.target.name}`,
        effect: { file: fileOf('blocked', call.target.uid) },
      }),
    run(call, effect) {
      appendFileSync(join(directory, 'calls'), 'block\n')
      // As a node does: what it has answered under this id it answers again, and does not do again.
      if (!hasSaid(call, 'block')) say(call, 'block')
      writeFileSync(fileOf('blocked', call.target.uid), 'by riposte')
      return Promise.resolve({ detail: `blocked ${call.target.name}`, effect })
    },
    undo(call, effect) {
      const file = fileOf('blocked', call.target.uid)
      if (hasSaid(call, 'unblock')) return Promise.resolve({ detail: 'unblocked before', effect })
      if (!existsSync(file)) throw new TargetGone(`${file} is gone`)
      if (readFileSync(file, 'utf8') !== 'by riposte')
        throw new ActionRefused(`${file} was changed since`)
      say(call, 'unblock')
      rmSync(file)
      return Promise.resolve({ detail: `unblocked ${call.target.name}`, effect })
    },
  })
  /** Ends when the file `release` is there, or when told to. */
  const slow = action({
    ...common,
    name: 'slow',
    summary: 'Takes its time.',
    risk: 'contain',
    parameters: z.looseObject({}),
    plan: ({ target }) =>
      Promise.resolve({ kind: 'change', detail: `look at ${target.name}`, effect: {} }),
    async run(call, effect) {
      say(call, 'begin')
      while (!existsSync(join(directory, 'release'))) {
        await sleep(10)
        call.signal.throwIfAborted()
      }
      say(call, 'slow')
      return { detail: 'took its time', effect }
    },
  })
  /** Fails as often as its parameters say, retryable or not, or finds its target changed. */
  const flaky = action({
    ...common,
    name: 'flaky',
    summary: 'Fails at first.',
    risk: 'contain',
    parameters: z.looseObject({}),
    plan: ({ target }) =>
      Promise.resolve({ kind: 'change', detail: `try ${target.name}`, effect: {} }),
    run(call, effect) {
      say(call, 'try')
      const tries = journal().filter((line) => line.startsWith(`try ${call.target.uid} `)).length
      if (tries <= Number(call.parameters['conflicts']))
        throw new Conflict('somebody changed it meanwhile')
      if (tries <= Number(call.parameters['failures']))
        throw new ActionFailed(`try ${tries} failed`, call.parameters['isFinal'] !== true)
      return Promise.resolve({ detail: 'worked', effect })
    },
  })
  const tell = action({
    ...common,
    name: 'tell',
    summary: 'Tells people.',
    risk: 'notify',
    parameters: z.looseObject({}),
    plan: () => Promise.resolve({ kind: 'change', detail: 'tell people', effect: {} }),
    run(call, effect) {
      say(call, 'tell')
      return Promise.resolve({ detail: 'told people', effect })
    },
  })
  const journal = () =>
    existsSync(journalFile) ? readFileSync(journalFile, 'utf8').split('\n').filter(Boolean) : []
  return {
    directory,
    actions: [stop, block, slow, flaky, tell] as readonly Action[],
    /** Effects so far: `stop boot-1/7/5000000 s0123…`. */
    journal,
    /** How often `block` was asked for, done or not. */
    calls: () => readFileSync(join(directory, 'calls'), 'utf8').split('\n').length - 1,
    /** The first word of each. */
    effects: () => journal().map((line) => line.split(' ')[0] ?? ''),
    make: (kind: 'gone' | 'drift' | 'blocked', alert: Alert, content = '') => {
      writeFileSync(fileOf(kind, targetOf(alert).uid), content)
    },
    has: (kind: 'stopped' | 'blocked', alert: Alert) =>
      existsSync(fileOf(kind, targetOf(alert).uid)),
    release: () => {
      writeFileSync(join(directory, 'release'), '')
    },
  }
}
export type World = ReturnType<typeof worldOf>

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
