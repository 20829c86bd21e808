/** Numbers of the kernel's tracepoints. They stand in tracefs only; where nobody has mounted it, nobody sees ours. */
import { closeSync, existsSync, readFileSync } from 'node:fs'
import { openTracefs } from '../native.ts'

const usualPlaces = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing']

export interface Tracepoints {
  /** `syscalls`, `sys_exit_openat` → the number to attach to; undefined where the kernel has no such tracepoint. */
  id(group: string, name: string): number | undefined
  close(): void
}

/** Undefined where there is no tracefs, or no right to it. */
export function openTracepoints(): Tracepoints | undefined {
  const mounted = usualPlaces.find((place) => existsSync(`${place}/events`))
  if (mounted !== undefined) return tracepointsIn(mounted, () => undefined)
  try {
    const descriptor = openTracefs()
    return tracepointsIn(`/proc/self/fd/${descriptor}`, () => {
      closeSync(descriptor)
    })
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}

const isRefusal = (error: unknown) => typeof error === 'object' && error !== null && 'code' in error

const tracepointsIn = (root: string, close: () => void): Tracepoints => ({
  id(group, name) {
    const path = `${root}/events/${group}/${name}/id`
    return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined
  },
  close,
})
