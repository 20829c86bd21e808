/** Responder in this process, detector in one of its own, until somebody asks both to stop. */
import type { ResponderConfig } from '../../responder/config.ts'
import type { Responder } from '../../responder/main.ts'
import { stopAsked } from '../stop-signal.ts'
import { CommandFailure, type Terminal } from '../terminal.ts'
import { DetectorChild } from './detector-child.ts'
import { plainLog } from './log.ts'
import { openResponder } from './responder.ts'

export interface RunOptions {
  readonly responder: ResponderConfig
  /** For `riposte detect`: -r, -c, -o as they were given. */
  readonly detectorArguments: readonly string[]
}

export async function runBoth(options: RunOptions, terminal: Terminal): Promise<void> {
  if (!terminal.isRoot)
    throw new CommandFailure(
      'live detection needs root',
      'run it as root (sudo riposte run); riposte doctor says what this machine lacks',
    )
  const stopping = stopAsked({ isChild: process.connected })
  const say = (line: string) => {
    terminal.say(line)
  }
  const logger = plainLog(options.responder.logLevel, say)
  const responder = await openResponder(options.responder, logger, terminal)
  const detector = new DetectorChild({
    argv: [...options.detectorArguments, ...towards(responder, options.responder.data)],
    say,
  })
  try {
    await startDetector(detector)
    for (const signal of ['SIGHUP', 'SIGUSR1'] as const)
      process.on(signal, () => {
        detector.signal(signal)
      })
    terminal.say(`web UI: ${responder.url} (riposte login lets you in)`)
    terminal.say('ready')
    await stopping
  } finally {
    await detector.stop()
    await responder[Symbol.asyncDispose]()
  }
}

async function startDetector(detector: DetectorChild): Promise<void> {
  try {
    await detector.start()
  } catch (error) {
    throw new CommandFailure(
      error instanceof Error ? error.message : String(error),
      'what it said is above; riposte doctor says what this machine lacks',
    )
  }
}

const towards = ({ socketPath, nodeTokenFile }: Responder, data: string): string[] => [
  '--data',
  data,
  '-o',
  `riposte.responder.url=unix:${socketPath}`,
  '-o',
  `riposte.responder.token_file=${nodeTokenFile}`,
  '-o',
  `riposte.status_socket=${data}/detector.sock`,
]
