/** Tells a probe that cannot ask us, as we open no port, that we are ready and our loop turns. */
import { rmSync, utimesSync, writeFileSync } from 'node:fs'

const TOUCH_MS = 1000

/** The file is there while we are ready, never much older than a second; empty: none. Throws when it cannot be written. */
export function keepReadyFile(path: string): Disposable {
  if (path === '') return { [Symbol.dispose]: () => undefined }
  writeFileSync(path, `${process.pid}\n`)
  const touching = setInterval(() => {
    touch(path)
  }, TOUCH_MS)
  touching.unref()
  return {
    [Symbol.dispose]() {
      clearInterval(touching)
      rmSync(path, { force: true })
    },
  }
}

function touch(path: string): void {
  const now = new Date()
  try {
    utimesSync(path, now, now)
  } catch {
    // ENOENT, EROFS, EIO: then the probe says no, which is what it is for; detection goes on.
  }
}
