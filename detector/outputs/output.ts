/** Shape of an output: one destination of alert lines. One file each, and one line in `index.ts`. */
import type { DetectorConfig } from '../config.ts'

export interface QueueLimits {
  /** falco.yaml's outputs_queue.capacity; 0: only the bytes count. */
  readonly maxLines: number
  readonly maxBytes: number
}

/** What an output may need to open; nothing in it is global. */
export interface OutputContext {
  readonly config: DetectorConfig
  readonly limits: QueueLimits
  /** What the programs that it starts inherit. */
  readonly environment: NodeJS.ProcessEnv
  readonly random: () => number
  readonly now: () => Date
  readonly processId: number
}

export interface OutputKind {
  readonly name: string
  readonly isEnabled: (config: DetectorConfig) => boolean
  readonly open: (context: OutputContext) => Output | Promise<Output>
}

export interface OutputLine {
  /** Without newline. */
  readonly text: string
  /** Falco's priority number, which is the syslog severity. */
  readonly severity: number
}

export interface Output {
  readonly name: string
  /** Takes or drops (and counts) the line at once; never waits, never throws. */
  write(line: OutputLine): void
  /** Log rotation (SIGUSR1): close and open again what it holds. */
  reopen(): void
  /** Lets what is queued leave for at most `graceMs`, then closes. */
  stop(graceMs: number): Promise<void>
  readonly status: OutputStatus
}

export interface OutputStatus {
  readonly written: number
  /** Lines lost: the queue was full, or the destination failed and the output keeps nothing. */
  readonly dropped: number
  /** Lines that wait in memory or on disk. */
  readonly pending: number
  /** One sentence while something is wrong. */
  readonly problem: string | undefined
}
