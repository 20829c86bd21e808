import { expect, test } from '@jest/globals'
import type { Alert } from '../contract/alert.ts'
import { actions } from './actions/index.ts'
import { caseIdOf, type Case } from './case.ts'
import { judgeOf } from './plan.ts'
import { sampleAlert } from './policy/alert.sample.ts'
import type { InForce, ModeOverride } from './policy/in-force.ts'
import { loadPolicies } from './policy/load.ts'
import type { Mode } from './policy/schema.ts'
import { noPods } from '../contract/protected-pods.ts'
import { strikesOf } from './policy/strikes.ts'
import type { Step, StepDraft } from './step.ts'

const document = (name: string, spec: string, kind = 'ClusterResponsePolicy') =>
  `apiVersion: riposte.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`

const everything = 'match: { rules: { minPriority: Debug } }'

function inForce(texts: readonly string[], modes: Readonly<Record<string, Mode>> = {}): InForce {
  const { set, problems } = loadPolicies([{ name: 'p', text: texts.join('---\n') }], actions)
  expect(problems).toEqual([])
  if (set === null) throw new Error('the policies of the test do not load')
  const overrides = Object.entries(modes).map(([name, mode]): [string, ModeOverride] => [
    name,
    { mode, person: 'alice', atMs: 0 },
  ])
  return { set, overrides: new Map(overrides) }
}

/** The drafts for the first alert of each case. */
function plan(state: InForce, alert: Alert, changes: Partial<Case> = {}, steps: Step[] = []) {
  const judge = judgeOf(() => state, actions)
  return judge.correlate(alert).flatMap((claim) => {
    const found: Case = {
      id: caseIdOf(claim, alert.id),
      policy: claim.policy,
      key: claim.key,
      target: claim.target,
      count: 1,
      priority: alert.priority,
      rules: [alert.rule],
      firstMs: 1000,
      lastMs: 1000,
      ...changes,
    }
    return judge.plan(alert, found, steps)
  })
}

const brief = (drafts: readonly StepDraft[]) =>
  drafts.map(({ policy, rung, action, mode }) => `${policy}/${rung} ${action} ${mode}`)

const quorums = (state: InForce) =>
  plan(state, sampleAlert()).map(({ terms }) => terms.approve?.quorum ?? 0)

const ended = (draft: StepDraft, status: 'done' | 'failed'): Step => ({
  ...draft,
  kind: 'act',
  undoes: null,
  requestedBy: null,
  status: 'ended',
  attempt: 1,
  leaseGeneration: 1,
  createdMs: 0,
  notBeforeMs: 0,
  deadlineAtMs: 0,
  plan: null,
  planHash: null,
  actedMs: 0,
  endedMs: 0,
  outcome: { status, code: 'x', detail: '', effect: {} },
})

test('planning is derived, never drawn: the same case gives the same steps', () => {
  const state = inForce([
    document('p', `{ ${everything}, ladder: [{ name: one, do: [freeze, notify] }] }`),
  ])
  const first = plan(state, sampleAlert())
  expect(brief(first)).toEqual(['p/one freeze audit', 'p/one notify audit'])
  expect(plan(state, sampleAlert())).toEqual(first)
  expect(first[0]?.target).toMatchObject({ uid: 'boot-1/812/5000000', name: 'cat (812) on node-a' })
})

test("a rule's own actions are planned in audit by the built-in policy, but people are told", () => {
  const alert = sampleAlert({
    actions: [
      { name: 'kill_process', parameters: {} },
      { name: 'notify_security_team', parameters: {} },
    ],
  })
  expect(brief(plan(inForce([]), alert))).toEqual([
    'rule-actions/rule kill_process audit',
    'rule-actions/rule notify_security_team enforce',
  ])
  expect(plan(inForce([]), sampleAlert())).toEqual([])
})

test("a rung `from: rule` takes the rule's actions over, and does not repeat what the ladder names", () => {
  const state = inForce([
    document(
      'p',
      `{ mode: enforce, ${everything}, ladder: [{ name: one, from: rule }, { name: two, do: [freeze] }] }`,
    ),
  ])
  const alert = sampleAlert({
    actions: ['kill_process', 'freeze'].map((name) => ({ name, parameters: {} })),
  })
  expect(brief(plan(state, alert))).toEqual(['p/one kill_process enforce', 'p/two freeze enforce'])
})

test('an action that a rule asks for and nobody knows ends as failed, never in silence', () => {
  const alert = sampleAlert({ actions: [{ name: 'isolate_everything', parameters: {} }] })
  expect(plan(inForce([]), alert)[0]?.recorded).toMatchObject({
    status: 'failed',
    code: 'unknown_action',
  })
})

test('what disrupts asks for consent though nobody wrote so, and the guard can ask for more', () => {
  const program = '{ run_program: { argv: [/bin/true] } }'
  const policy = document(
    'p',
    `{ mode: enforce, ${everything}, ladder: [{ name: one, do: [${program}, freeze] }] }`,
  )
  expect(quorums(inForce([policy]))).toEqual([1, 0])
  const guard = document('g', '{ minApprovals: { disrupt: 2, contain: 1 } }', 'ResponseGuard')
  expect(quorums(inForce([policy, guard]))).toEqual([2, 1])
})

test("a tenant's policy goes no further than a cluster's policy on the same alert", () => {
  const spec = `{ mode: enforce, ${everything}, ladder: [{ name: one, do: [freeze] }] }`
  const tenant = document('tenant', spec, 'ResponsePolicy')
  const cluster = document('cluster', spec.replace('enforce', 'audit'))
  expect(brief(plan(inForce([tenant]), sampleAlert()))).toEqual(['tenant/one freeze enforce'])
  expect(brief(plan(inForce([tenant, cluster]), sampleAlert()))).toEqual([
    'tenant/one freeze audit',
    'cluster/one freeze audit',
  ])
})

test('set-mode holds over the file, and off plans nothing', () => {
  const policy = document('p', `{ ${everything}, ladder: [{ name: one, do: [freeze] }] }`)
  expect(brief(plan(inForce([policy], { p: 'enforce' }), sampleAlert()))).toEqual([
    'p/one freeze enforce',
  ])
  expect(plan(inForce([policy], { p: 'off' }), sampleAlert())).toEqual([])
})

test('a rung waits for its condition: the count, the priority, the age, what became of another rung', () => {
  const state = inForce([
    document(
      'p',
      `{ mode: enforce, ${everything}, ladder: [
        { name: one, do: [freeze] },
        { name: many, when: case.count >= 3 and case.age < 1m, do: [notify] },
        { name: urgent, when: case.priority >= CRITICAL, do: [capture_snapshot] },
        { name: failed, when: rung.one.status = failed, do: [block_network] }] }`,
    ),
  ])
  const rungs = (changes: Partial<Case>, steps: Step[] = []) =>
    plan(state, sampleAlert(), changes, steps).map(({ rung }) => rung)
  expect(rungs({})).toEqual(['one'])
  expect(rungs({ count: 3 })).toEqual(['one', 'many'])
  expect(rungs({ count: 3, lastMs: 62_000 })).toEqual(['one'])
  expect(rungs({ priority: 'Alert' })).toEqual(['one', 'urgent'])
  const [one] = plan(state, sampleAlert())
  if (one === undefined) throw new Error('no step')
  expect(rungs({}, [ended(one, 'failed')])).toEqual(['one', 'failed'])
  expect(rungs({}, [ended(one, 'done')])).toEqual(['one'])
})

test('later rungs wait for a required one, at most its deadline; `always` does not wait', () => {
  const state = inForce([
    document(
      'p',
      `{ ${everything}, ladder: [
        { name: one, do: [capture_snapshot], required: true, deadline: 5s },
        { name: two, do: [kill_process] },
        { name: tell, always: true, do: [notify] }] }`,
    ),
  ])
  const [one, two, tell] = plan(state, sampleAlert())
  expect(two).toMatchObject({ after: [one?.id], afterMs: 5000 })
  expect(tell).toMatchObject({ after: [], afterMs: 0 })
})

test('what an approval holds stays at least as long as people may think', () => {
  const state = inForce([
    document(
      'p',
      `{ ${everything}, ladder: [
        { name: one, do: [freeze], undo: { ttl: 5m } },
        { name: two, do: [kill_process], approve: { timeout: 20m, hold: one, notAllowed: [event.subject] } }] }`,
    ),
  ])
  const [one, two] = plan(state, sampleAlert())
  expect(one?.terms.undo).toEqual({ ttlMs: 20 * 60_000, onExpiry: 'revert' })
  expect(two?.terms.approve).toMatchObject({
    quorum: 1,
    notAllowed: ['mallory'],
    timeoutMs: 1_200_000,
  })
})

test('what the kernel did already is recorded, not run again', () => {
  const state = inForce([
    document('p', `{ ${everything}, ladder: [{ name: one, do: [kill_process] }] }`),
  ])
  const strike = { policy: 'p', policyGeneration: 'x', mode: 'enforce', scope: 'process' } as const
  expect(plan(state, sampleAlert())[0]?.recorded).toBeNull()
  const [enforced] = plan(state, sampleAlert({ strikes: [strike] }))
  expect(enforced?.recorded).toMatchObject({ status: 'done', code: 'strike' })
  const [audited] = plan(state, sampleAlert({ strikes: [{ ...strike, mode: 'audit' }] }))
  expect(audited?.recorded).toMatchObject({
    status: 'would',
    detail: 'would kill cat (812) on node-a inside the call',
  })
})

test('an alert without a process kills nobody', () => {
  const state = inForce([
    document('p', `{ ${everything}, ladder: [{ name: one, do: [kill_process, notify] }] }`),
  ])
  const drafts = plan(state, sampleAlert({ process: null }))
  expect(drafts.map(({ recorded }) => recorded?.status)).toEqual(['ignored', undefined])
})

test('strikes are compiled for the nodes with the mode that holds, and never for what must be asked', () => {
  const kill =
    'ladder: [{ name: one, do: [{ kill_process: { scope: tree, fuse: { max: 2, per: 10s } } }] }]'
  const state = inForce(
    [
      document('a', `{ match: { rules: { names: [A] }, condition: proc.name = x }, ${kill} }`),
      document(
        'asks',
        `{ ${everything}, ladder: [{ name: one, do: [kill_process], approve: {} }] }`,
      ),
      document('g', '{ protected: { processes: [/usr/bin/x, postgres] } }', 'ResponseGuard'),
    ],
    { a: 'enforce' },
  )
  const [first, ...rest] = strikesOf(state, () => false, noPods).orders
  expect(first).toMatchObject({
    policy: 'a',
    mode: 'enforce',
    scope: 'tree',
    fuse: { max: 2, perMs: 10_000 },
    match: {
      names: ['A'],
      condition:
        '(proc.name = x) and not proc.exepath in ("/usr/bin/x") and not proc.name in ("postgres")',
    },
  })
  expect(rest.map(({ policy, isFromRule }) => [policy, isFromRule])).toEqual([
    ['rule-actions', true],
  ])
  expect(strikesOf(state, () => true, noPods).orders[0]?.mode).toBe('audit')
  const asking = document('h', '{ minApprovals: { contain: 1 } }', 'ResponseGuard')
  expect(strikesOf(inForce([asking]), () => false, noPods).orders).toEqual([])
})
