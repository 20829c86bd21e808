/** What carries out the responder's orders on this node: the verdicts, with what they must never touch. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DetectorConfig } from '../../detector/config.ts'
import type { Judge } from '../../detector/judge/judge.ts'
import type { Scope } from '../../detector/scope/scope.ts'
import type { NodeHands } from '../../detector/services.ts'
import { openVerdictContext } from '../../detector/verdicts/context.ts'
import { executeVerdict } from '../../detector/verdicts/execute.ts'

export async function openHands(
  config: DetectorConfig,
  ownPids: () => readonly number[],
  judge: Judge,
  scope: Scope,
): Promise<NodeHands & AsyncDisposable> {
  let isKillSwitchOn = false
  const context = await openVerdictContext({
    dataDir: join(config.riposte.data, 'node'),
    guard: { programs: config.riposte.protected_programs },
    scope,
    programs: config.riposte.programs,
    ownPids,
    isKillSwitchOn: () => isKillSwitchOn,
    nowMs: Date.now,
  })
  return {
    execute: (verdict, handOver) => executeVerdict(verdict, context, handOver),
    isOwn: ({ view, process: found }) =>
      context.own.isOwn({
        pid: view.pid,
        startTimeNs: view.startTimeNs,
        parentPid: view.parentPid,
        sessionId: found?.sessionId ?? 0,
      }),
    strikesOf: (event, rule) => judge.strikesOf(event, rule),
    takeStrikes: (strikes) => {
      judge.takeStrikes(strikes)
    },
    strikes: () => judge.heartbeat(),
    setKillSwitch: (isOn) => {
      isKillSwitchOn = isOn
      judge.setKillSwitch(isOn)
    },
    [Symbol.asyncDispose]: () => context[Symbol.asyncDispose](),
  }
}

/** `isChild`: started by `riposte run`, whose other children (its Redis) are ours too. */
export const ownProcesses = (isChild: boolean): readonly number[] =>
  isChild ? [process.pid, process.ppid, ...childrenOf(process.ppid)] : [process.pid]

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}
