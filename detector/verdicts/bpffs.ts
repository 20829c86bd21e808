/** Where BPF objects are pinned: the bpffs of the machine, mounted if it is not. */
import { execFileSync } from 'node:child_process'
import { existsSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

const MOUNT_POINT = '/sys/fs/bpf'
/** linux/magic.h BPF_FS_MAGIC */
const BPF_FS_MAGIC = 0xcafe_4a11

/**
 * `/sys/fs/bpf/riposte/<name>`, or null where there is no bpffs; the caller makes the directory. `make` mounts one, `find`
 * leaves the machine as it is.
 */
export function pinDirectory(name: string, mode: 'find' | 'make'): string | null {
  if (mode === 'make' && !isBpffs()) {
    try {
      execFileSync('mount', ['-t', 'bpf', 'bpf', MOUNT_POINT], { stdio: 'pipe' })
    } catch {
      return null
    }
  }
  return isBpffs() ? join(MOUNT_POINT, 'riposte', name) : null
}

const isBpffs = (): boolean =>
  existsSync(MOUNT_POINT) && statfsSync(MOUNT_POINT).type === BPF_FS_MAGIC
