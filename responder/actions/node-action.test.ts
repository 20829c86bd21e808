import { expect, test } from '@jest/globals'
import { nodeActionParameters } from '../../contract/node-actions.ts'
import type { Answer, AnswerStatus } from '../../contract/verdict.ts'
import { noEvidence } from '../evidence/evidence.ts'
import { noKubernetes } from '../kubernetes/absent.ts'
import type { Call, Effect } from './action.ts'
import { actions } from './index.ts'
import { killProcess } from './kill-process.ts'

const answered = (status: AnswerStatus, isRetryable = false): Call<Effect> => ({
  stepId: 's',
  caseId: 'c',
  link: null,
  parameters: {},
  target: { kind: 'process', uid: 'u', name: 'bash (1)', node: 'n', namespace: null },
  alert: {
    id: '0'.repeat(32),
    node: 'n',
    bootId: 'b',
    rule: 'r',
    priority: 'Critical',
    source: 'syscall',
    tags: [],
    time: '2026-11-21T00:00:00Z',
    output: '',
    outputFields: {},
    actions: [],
    process: null,
    place: null,
    request: null,
    object: null,
    strikes: [],
  },
  signal: new AbortController().signal,
  notify: () => Promise.resolve(),
  kubernetes: noKubernetes,
  evidence: noEvidence,
  node: {
    ask: (operation): Promise<Answer> =>
      Promise.resolve({
        id: 's',
        operation,
        status,
        detail: 'said so',
        effect: { pid: 1 },
        isRetryable,
        finishedMs: 0,
      }),
  },
})

const run = (status: AnswerStatus, isRetryable = false) =>
  killProcess.run(answered(status, isRetryable), {})

test('each answer of the node to a run becomes an outcome or the error that says what to do', async () => {
  expect(await run('done')).toEqual({ detail: 'said so', effect: { pid: 1 } })
  await expect(run('target_gone')).rejects.toMatchObject({ code: 'target_gone', retryable: false })
  await expect(run('refused')).rejects.toMatchObject({ code: 'refused', retryable: false })
  await expect(run('expired')).rejects.toMatchObject({ code: 'expired', retryable: false })
  await expect(run('failed')).rejects.toMatchObject({ code: 'failed', retryable: false })
  await expect(run('failed', true)).rejects.toMatchObject({ code: 'failed', retryable: true })
  await expect(run('planned')).rejects.toMatchObject({ code: 'failed', retryable: false })
})

test('a plan is a change or nothing to do, and verify is seen or not seen', async () => {
  expect(await killProcess.plan(answered('planned'))).toMatchObject({
    kind: 'change',
    detail: 'said so',
    effect: { pid: 1 },
  })
  expect(await killProcess.plan(answered('already_done'))).toEqual({
    kind: 'already_done',
    detail: 'said so',
  })
  await expect(killProcess.plan(answered('target_gone'))).rejects.toMatchObject({
    code: 'target_gone',
  })
  expect(await killProcess.verify?.(answered('done'), {})).toBe(true)
  expect(await killProcess.verify?.(answered('unverified'), {})).toBe(false)
})

test('every action that a node executes is offered by the responder', () => {
  expect(actions.map(({ name }) => name)).toEqual(
    expect.arrayContaining(Object.keys(nodeActionParameters)),
  )
})

test('an approval of a tree is bound to the tree, one of a process to the process', async () => {
  const members = { processes: [{ pid: 1 }], spared: [], cgroup: 'c' }
  const planned = async (scope: string) => {
    const call = answered('planned')
    const answer = await call.node.ask('plan', 'kill_process', {}, null)
    const node = { ask: () => Promise.resolve({ ...answer, effect: members }) }
    return killProcess.plan({ ...call, node, parameters: { scope } })
  }
  expect(await planned('tree')).toMatchObject({ effect: members, bound: { cgroup: 'c' } })
  expect(await planned('process')).toMatchObject({ effect: members, bound: members })
})
