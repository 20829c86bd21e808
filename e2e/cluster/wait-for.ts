/** Waits for an object of the API server to be as wanted. */
import type { Api } from './api.ts'

const pollMs = 50

/**
 * Asks for `path` until the answer satisfies; undefined stands for 404.
 * @throws with what it looked like last
 */
export async function waitFor<T>(
  api: Api,
  path: string,
  isEnough: (found: T | undefined) => boolean,
  patienceMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const found = await api.find<T>(path)
    // Who is satisfied with nothing asks for nothing.
    if (isEnough(found)) return found as T
    if (performance.now() > deadline)
      throw new Error(`${path} is not as wanted after ${patienceMs} ms: ${describe(found)}`)
    await new Promise((resume) => setTimeout(resume, pollMs))
  }
}

/** Without what nobody reads. */
const describe = (found: unknown) =>
  JSON.stringify(found, (key, value: unknown) => (key === 'managedFields' ? undefined : value))
