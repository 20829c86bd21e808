/** The pid namespace that /proc and all our numbers are of: the kernel's first, or that of a node which is a container. */
import { readlinkSync } from 'node:fs'
import { objectPath, openObject } from '../native.ts'

export interface PidNamespace {
  /** 0 for the kernel's first. */
  readonly level: number
  readonly inode: number
}

/** PROC_PID_INIT_INO of include/linux/proc_ns.h */
const FIRST = 4_026_531_836

const ownInode = (): number => Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? FIRST)

export const isInFirstPidNamespace = (): boolean => ownInode() === FIRST

export function ownPidNamespace(): PidNamespace {
  const inode = ownInode()
  return { level: inode === FIRST ? 0 : levelByKernel(), inode }
}

function levelByKernel(): number {
  const object = openObject(objectPath('ancestors'))
  try {
    const [level = 0n] = new BigUint64Array(object.iterate('own_pid_level').slice().buffer)
    return Number(level)
  } finally {
    object.close()
  }
}
