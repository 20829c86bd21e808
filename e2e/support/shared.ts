/** What the tests of a file share, from before the first of them until after the last. */
import { afterAll, beforeAll } from '@jest/globals'
import { type Need, reasonToSkip } from '../../scripts/needs.ts'

/** Of the file, as each has this module for itself. */
const shared = new AsyncDisposableStack()
afterAll(() => shared.disposeAsync())

/** Made before the tests unless they are skipped; what is given to the stack goes after them, the last first. */
export function share(
  needed: readonly Need[],
  make: (stack: AsyncDisposableStack) => Promise<void> | void,
): void {
  beforeAll(async () => {
    if (reasonToSkip(...needed) === undefined) await make(shared)
  })
}
