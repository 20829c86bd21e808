/** A run of a detector by this command: from before its start until it is asked to stop. */
import { readFileSync } from 'node:fs'
import type { DetectorConfig } from '../../detector/config.ts'
import { keepReadyFile } from '../../detector/ready-file.ts'
import type { Detector, DetectorServices } from '../../detector/services.ts'
import { sayProblems } from '../problems.ts'
import { childMark, stopAsked } from '../stop-signal.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'
import { withoutOwnWords } from './own-words.ts'

export interface RunOptions {
  readonly afterSeconds: number | undefined
}

export interface Run {
  /** Started by a program of ours, which is told what else a terminal is. */
  readonly isChild: boolean
  /** Says that it is ready; resolves when it is asked to stop, or settles as `ended` does. */
  readonly until: (
    detector: Detector,
    config: DetectorConfig,
    ended?: Promise<void>,
  ) => Promise<void>
  /** Once all has stopped. */
  readonly end: () => void
}

export function startRun({ afterSeconds }: RunOptions, terminal: Terminal): Run {
  const isChild = process.connected || terminal.environment[childMark] !== undefined
  const stopping = stopAsked({ afterSeconds, isChild })
  return {
    isChild,
    async until(detector, config, ended) {
      process.on('SIGHUP', () => {
        detector.reload()
      })
      process.on('SIGUSR1', () => {
        detector.reopenOutputs()
      })
      const ready = keepReadyFile(config.riposte.ready_file)
      if (process.connected) process.send?.({ kind: 'ready' })
      else if (!isChild) terminal.say('ready')
      await Promise.race(ended === undefined ? [stopping] : [stopping, ended])
      ready[Symbol.dispose]()
    },
    end() {
      if (isChild && process.connected) process.disconnect()
    },
  }
}

/** What every detector is given by this command. */
export function servicesOf(
  config: DetectorConfig,
  terminal: Terminal,
): Pick<DetectorServices, 'version' | 'token' | 'say' | 'explain' | 'environment' | 'random'> {
  const { token_file: tokenFile } = config.riposte.responder
  return {
    version,
    token: () => (tokenFile === '' ? '' : readFileSync(tokenFile, 'utf8').trim()),
    say: (line) => {
      terminal.say(line)
    },
    explain: (problems) => {
      sayProblems(withoutOwnWords(problems), terminal, 0)
    },
    environment: terminal.environment,
    random: Math.random,
  }
}
