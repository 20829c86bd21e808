/** Rejects with the signal's reason even when what is waited for does not listen to it. */
export async function abortable<Result>(
  promise: Promise<Result> | Result,
  signal: AbortSignal,
): Promise<Result> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => {
    aborted.reject(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
