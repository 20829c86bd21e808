/** What a command may use of the world: results on stdout, talk on stderr, so that pipes carry results only. */
import { styleText } from 'node:util'

export interface Terminal {
  /** One line of result. */
  print(line: string): void
  /** One line of talk. */
  say(line: string): void
  readonly environment: NodeJS.ProcessEnv
  readonly directory: string
  readonly isRoot: boolean
  /** Colours on stderr and stdout: only a terminal has them, and NO_COLOR takes them away. */
  paint(style: 'bold' | 'red' | 'yellow' | 'green' | 'dim', text: string): string
}

export function processTerminal(): Terminal {
  return {
    print: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`${line}\n`),
    environment: process.env,
    directory: process.cwd(),
    isRoot: process.geteuid?.() === 0,
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  }
}

/** Exit codes, the same for every command (`riposte help exit-codes`). */
export const exitCodes = {
  ok: 0,
  /** It was tried and failed, or what was asked about is not well (rules with errors, a broken chain). */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No responder answers. */
  unreachable: 3,
} as const

/** Something to tell and a code to leave with; `remedy` is what to do about it. */
export class CommandFailure extends Error {
  readonly exitCode: number
  readonly remedy: string | undefined

  constructor(message: string, remedy?: string, exitCode: number = exitCodes.failed) {
    super(message)
    this.remedy = remedy
    this.exitCode = exitCode
  }
}
