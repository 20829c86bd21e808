/** Resolves when this process is asked to end: by a signal, by a timer, or because who started it is gone. */

export interface StopReasons {
  /** Falco's -M. */
  readonly afterSeconds?: number | undefined
  /** Started with a channel to a parent: its end is ours. */
  readonly isChild: boolean
}

/** The second signal of a kind ends the process at once, as a terminal's user expects. */
export function stopAsked({ afterSeconds, isChild }: StopReasons): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        resolve(signal)
      })
    if (isChild)
      process.once('disconnect', () => {
        resolve('the parent ended')
      })
    if (afterSeconds !== undefined && afterSeconds > 0)
      setTimeout(() => {
        resolve(`${afterSeconds} seconds are over`)
      }, afterSeconds * 1000).unref()
  })
}
