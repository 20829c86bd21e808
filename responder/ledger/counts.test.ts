import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from '@jest/globals'
import type { Case } from '../case.ts'
import { alertOf, draft, terms } from '../../e2e/drafts.ts'
import type { Limit, Step } from '../step.ts'
import { countActs, countFailures, countStrikes, lastActed } from './counts.ts'
import { openLedger } from './open.ts'
import type { StepRow } from './tables.ts'

const directory = mkdtempSync(join(tmpdir(), 'riposte-counts-'))
const ledger = await openLedger({ file: join(directory, 'ledger.db') })
afterAll(async () => {
  await ledger[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})
beforeEach(() => ledger.rows.deleteFrom('steps').execute())

const moment = { rows: ledger.rows, nowMs: 1050 }

const target = { kind: 'pod', uid: 'u', name: 'web', node: 'n', namespace: 'shop' } as const
const found: Case = {
  id: 'c',
  policy: 'p',
  key: 'k',
  target,
  count: 1,
  priority: 'Warning',
  rules: [],
  firstMs: 0,
  lastMs: 0,
}
const asked = { target, workload: 'w', terms: terms({ cooldownMs: 100 }) }
const step = draft(alertOf(1), found, asked) as Step

/** An act like the step's own, let through and failed just now. */
const act: StepRow = {
  id: 'other',
  kind: 'act',
  undoes: null,
  requested_by: null,
  case_id: 'c',
  alert_id: 'a',
  policy: 'p',
  action: step.action,
  target_uid: 'u',
  node: 'n',
  namespace: 'shop',
  workload: 'w',
  lane: 'strike',
  risk: 'disrupt',
  mode: 'enforce',
  draft: '{}',
  status: 'ended',
  owner: null,
  lease_generation: 0,
  lease_until_ms: 0,
  attempt: 0,
  created_ms: 0,
  not_before_ms: 0,
  deadline_at_ms: 0,
  after_until_ms: 0,
  plan: null,
  plan_hash: null,
  acted_ms: 1000,
  ended_ms: 1000,
  outcome_status: 'failed',
  outcome: null,
}

const limit = (changes: Partial<Limit>): Limit => ({
  origin: 'policy p',
  scope: 'global',
  isPolicyOnly: false,
  classes: ['disrupt'],
  max: 9,
  perMs: 100,
  ...changes,
})
const within = (changes: Partial<Limit>) => () => countActs(moment, step, 'enforce', limit(changes))
const cooldown = () => lastActed(moment, step, 'enforce')
const window = { sinceMs: 950, max: 9 }
const fuse = () => countStrikes(moment, step, 'enforce', window)
const breaker = () => countFailures(moment, 'p', 'enforce', window)

/** What counts the act, and each thing about it without which it would not. */
const counts: readonly (readonly [
  string,
  () => Promise<number | null>,
  readonly Partial<StepRow>[],
])[] = [
  [
    'a limit',
    within({}),
    [{ kind: 'undo' }, { mode: 'audit' }, { acted_ms: 950 }, { acted_ms: null }, { id: step.id }],
  ],
  ['a limit on a class', within({}), [{ risk: 'contain' }]],
  ["a policy's own limit", within({ isPolicyOnly: true }), [{ policy: 'q' }]],
  ['a limit on a target', within({ scope: 'target' }), [{ target_uid: 'v' }]],
  ['a limit on a node', within({ scope: 'node' }), [{ node: 'm' }]],
  [
    'a limit on a namespace',
    within({ scope: 'namespace' }),
    [{ namespace: 'bank' }, { namespace: null }],
  ],
  ['a limit on a workload', within({ scope: 'workload' }), [{ workload: 'x' }, { workload: null }]],
  [
    'a cooldown',
    cooldown,
    [
      { policy: 'q' },
      { risk: 'contain' },
      { action: 'block' },
      { target_uid: 'v' },
      { mode: 'audit' },
      { acted_ms: 950 },
    ],
  ],
  ['a fuse', fuse, [{ policy: 'q' }, { lane: 'contain' }, { mode: 'audit' }, { acted_ms: 950 }]],
  [
    'a breaker',
    breaker,
    [{ policy: 'q' }, { outcome_status: 'done' }, { mode: 'audit' }, { ended_ms: 950 }],
  ],
]

const keep = (changes: Partial<StepRow>) =>
  ledger.rows
    .insertInto('steps')
    .values({ ...act, ...changes })
    .execute()

test.each(counts)('%s counts what was done, and nothing beside it', async (_, count, others) => {
  for (const changes of others) {
    await keep(changes)
    expect([changes, (await count()) ?? 0]).toEqual([changes, 0])
    await ledger.rows.deleteFrom('steps').execute()
  }
  await keep({})
  expect(await count()).toBeGreaterThan(0)
})

test("a limit that is not the policy's own counts what others did", async () => {
  await keep({ policy: 'q' })
  expect(await within({})()).toBe(1)
})
