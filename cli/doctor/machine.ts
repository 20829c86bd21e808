/** The machine that the command runs on. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openScope } from '../../detector/scope/scope.ts'
import type { Terminal } from '../terminal.ts'
import type { Machine } from './check.ts'

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

export function thisMachine(data: string, { environment, isRoot }: Terminal): Machine {
  const path = (environment['PATH'] ?? '').split(':')
  return {
    read,
    exists: existsSync,
    which: (program) => path.map((one) => join(one, program)).find(isExecutable),
    isRoot,
    data,
    freeBytes() {
      const { bavail, bsize } = statfsSync(nearestExisting(data))
      return bavail * bsize
    },
    projectRoot,
    scope: () =>
      openScope({
        scope: environment['RIPOSTE_SCOPE'] ?? 'auto',
        cgroupRoot: environment['RIPOSTE_CGROUP_ROOT'] ?? '/sys/fs/cgroup',
      }),
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}

const nearestExisting = (path: string): string =>
  existsSync(path) || path === '/' ? path : nearestExisting(dirname(path))
