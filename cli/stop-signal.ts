/** Resolves when this process is asked to end: by a signal, by a timer, or because who started it is gone. */

/** Set by who starts a child with a channel: the channel itself says nothing any more once its other end is gone. */
export const childMark = 'RIPOSTE_CHILD'

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
    if (isChild) {
      process.once('disconnect', () => {
        resolve('the parent ended')
      })
      // It may have ended while this process was still loading.
      if (!process.connected) resolve('the parent ended')
    }
    if (afterSeconds !== undefined && afterSeconds > 0)
      setTimeout(() => {
        resolve(`${afterSeconds} seconds are over`)
      }, afterSeconds * 1000).unref()
  })
}
