/** A world of files that actions change, for tests of the responder's core: what really happened stands in `journal()`. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Alert } from '../contract/alert.ts'
import { action, type Action, type Call, type Effect } from '../responder/actions/action.ts'
import { ActionFailed, ActionRefused, Conflict, TargetGone } from '../responder/actions/errors.ts'
import { targetOf } from './drafts.ts'

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
