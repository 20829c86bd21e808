import { expect, test } from '@jest/globals'
import { alertOf, approve, draft, targetOf, terms } from '../../e2e/drafts.ts'
import type { Alert } from '../../contract/alert.ts'
import type { Case } from '../case.ts'
import type { Step, StepDraft } from '../step.ts'
import { acts } from './mode.ts'
import type { Situation } from './gate.ts'
import { builtInGuard } from './guard.ts'
import { askAll, askBeforePlan } from './index.ts'

const alert = alertOf(812)
const found: Case = {
  id: 'c1',
  policy: 'p',
  key: 'k',
  target: targetOf(alert),
  count: 1,
  priority: 'Warning',
  rules: [alert.rule],
  firstMs: 0,
  lastMs: 0,
}

const unknownPlace = {
  cgroupId: '9',
  containerId: null,
  container: null,
  pod: null,
  isPending: false,
}

const stepOf = (changes: Partial<StepDraft & Step> = {}): Step => ({
  ...draft(alert, found, changes),
  kind: 'act',
  undoes: null,
  requestedBy: null,
  status: 'claimed',
  attempt: 0,
  leaseGeneration: 1,
  createdMs: 0,
  notBeforeMs: 0,
  deadlineAtMs: 1000,
  plan: null,
  planHash: null,
  actedMs: null,
  endedMs: null,
  outcome: null,
  ...changes,
})

const situation = (changes: Partial<Situation> = {}, step = stepOf()): Situation => ({
  step,
  alert,
  nowMs: 500,
  killSwitch: null,
  enabledActions: null,
  protected: [],
  policyMode: 'enforce',
  trip: null,
  planned: { kind: 'change', detail: 'stop it', effect: {} },
  planHash: 'h1',
  lastActedMs: null,
  counts: [],
  acts: 0,
  failures: 0,
  approval: null,
  lockedBy: null,
  ...changes,
})

const stoppedBy = (given: Situation) => askAll(given).stopped?.gate ?? null

test('an action that is not enabled here is refused before it is planned, its undo is not', () => {
  const asked = (enabledActions: readonly string[] | null, changes: Partial<Step> = {}) =>
    askBeforePlan(situation({ enabledActions }, stepOf(changes))).stopped
  expect(asked(['notify'])).toMatchObject({ gate: 'enabled', answer: 'refuse' })
  expect(asked(['notify'], { kind: 'undo', undoes: 's' })).toBeNull()
  expect(asked([stepOf().action])).toBeNull()
  expect(asked(null)).toBeNull()
})

test('with nothing against it every gate passes, in the order of the design', () => {
  const { stopped, reports } = askAll(situation())
  expect(stopped).toBeNull()
  expect(reports.map(({ gate }) => gate).join(' ')).toBe(
    'kill_switch enabled guard mode target cooldown limits fuse breaker approval lock',
  )
})

test('the kill switch stops acts above notify, holds timed undos, and lets people undo by hand', () => {
  const on = { killSwitch: 'turned on by ann' }
  expect(stoppedBy(situation(on))).toBe('kill_switch')
  expect(stoppedBy(situation(on, stepOf({ risk: 'notify' })))).toBeNull()
  expect(stoppedBy(situation(on, stepOf({ risk: 'observe' })))).toBeNull()
  expect(askAll(situation(on, stepOf({ kind: 'undo' }))).stopped?.answer).toBe('wait')
  expect(stoppedBy(situation(on, stepOf({ kind: 'undo', requestedBy: 'ann' })))).toBeNull()
})

test('the mode is the least of planned, current and tripped; off suppresses', () => {
  expect(acts(situation())).toBe(true)
  expect(acts(situation({}, stepOf({ mode: 'audit' })))).toBe(false)
  expect(acts(situation({ policyMode: 'audit' }))).toBe(false)
  expect(acts(situation({ trip: 'too many kills' }))).toBe(false)
  expect(stoppedBy(situation({ policyMode: 'off' }))).toBe('mode')
  expect(stoppedBy(situation({ policyMode: undefined }))).toBe('mode')
})

test('people are told whatever limits, cooldown and breaker say', () => {
  const limit = {
    origin: 'policy p',
    scope: 'global',
    isPolicyOnly: true,
    classes: ['notify'],
    max: 1,
    perMs: 1000,
  } as const
  const step = stepOf({
    risk: 'notify',
    lane: 'notify',
    terms: terms({ limits: [limit], cooldownMs: 1000, breaker: { failures: 1, perMs: 1000 } }),
  })
  expect(stoppedBy(situation({ counts: [9], lastActedMs: 499, failures: 9 }, step))).toBeNull()
})

test('I4 an approval counts only for the plan that people saw', () => {
  const step = stepOf({ terms: terms({ approve: approve() }) })
  const approval = {
    id: 'a1',
    stepId: step.id,
    caseId: 'c1',
    policy: 'p',
    action: 'stop',
    targetName: 'cat',
    planHash: 'h1',
    detail: 'stop it',
    terms: approve(),
    status: 'approved',
    decision: null,
    createdMs: 0,
    expiresMs: 1000,
    decidedMs: 1,
    votes: [],
  } as const
  const answer = (given: Partial<Situation>) =>
    askAll(situation(given, step)).stopped?.answer ?? 'pass'
  expect(answer({ approval })).toBe('pass')
  expect(answer({ approval: null })).toBe('hold')
  expect(answer({ approval: { ...approval, status: 'pending' } })).toBe('hold')
  expect(answer({ approval: { ...approval, status: 'void' } })).toBe('hold')
  expect(answer({ approval, planHash: 'h2' })).toBe('hold')
  expect(answer({ approval: { ...approval, status: 'denied' } })).toBe('refuse')
  expect(answer({ approval: { ...approval, status: 'expired' } })).toBe('refuse')
})

const about = (changes: Partial<NonNullable<Alert['process']>>, place?: Alert['place']): Alert => ({
  ...alert,
  process: alert.process === null ? null : { ...alert.process, ...changes },
  place: place === undefined ? alert.place : place,
})

test.each([
  ['pid 1', about({ pid: 1 }), true],
  ['a kernel thread', about({ pid: 44, parentPid: 2, exePath: '' }), true],
  ['Riposte itself', about({ pid: 4242 }), true],
  ['the same pid in another boot', { ...about({ pid: 4242 }), bootId: 'other' }, false],
  ['sshd', about({ exePath: '/usr/sbin/sshd', userId: 0 }), true],
  [
    'sshd that was upgraded meanwhile',
    about({ exePath: '/usr/sbin/sshd (deleted)', userId: 0 }),
    true,
  ],
  [
    'a program that only calls itself sshd',
    about({ name: 'sshd', exePath: '/tmp/sshd', userId: 0 }),
    false,
  ],
  [
    "a person's own file mounted over sshd",
    about({ exePath: '/usr/sbin/sshd', userId: 1000 }),
    false,
  ],
  [
    'sshd of an image',
    about({ exePath: '/usr/sbin/sshd', userId: 0 }, { ...unknownPlace, containerId: 'abc' }),
    false,
  ],
  [
    'sshd in a place that is not known yet',
    about({ exePath: '/usr/sbin/sshd', userId: 0 }, unknownPlace),
    true,
  ],
  ['the kubelet', about({ exePath: '/usr/bin/kubelet', userId: 0 }), true],
])('the built-in guard and %s', (_, given, isProtected) => {
  const guard = builtInGuard(() => [4242], alert.bootId)
  const changed = { alert: given, protected: guard }
  expect(stoppedBy(situation(changed))).toBe(isProtected ? 'guard' : null)
  expect(stoppedBy(situation(changed, stepOf({ risk: 'observe' })))).toBeNull()
})
