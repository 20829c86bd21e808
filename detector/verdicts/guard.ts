/** What a node never does, whatever the responder says: judged again at the moment of the act, below every policy. */
import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { Scope } from '../scope/scope.ts'
import {
  hostMountNamespace,
  label,
  readProc,
  readProcLink,
  readStat,
  type ProcessRef,
  type ProcessStat,
} from './proc.ts'

/**
 * Without these the machine, or the way into it, is lost. A trailing `/` covers a directory. Judged by the executable's
 * path in the host's own mount namespace: a container cannot earn protection by naming its miner /usr/sbin/sshd.
 */
export const protectedPrograms: readonly string[] = [
  '/usr/sbin/sshd',
  '/usr/lib/openssh/',
  '/usr/libexec/openssh/',
  '/usr/sbin/dropbear',
  '/usr/bin/login',
  '/usr/sbin/agetty',
  '/usr/lib/systemd/',
  '/lib/systemd/',
  '/usr/sbin/init',
  '/sbin/init',
  '/usr/bin/dbus-daemon',
  '/usr/bin/dbus-broker',
  '/usr/bin/containerd',
  '/usr/bin/containerd-shim',
  '/usr/bin/containerd-shim-runc-v2',
  '/usr/local/bin/containerd',
  '/usr/local/bin/containerd-shim-runc-v2',
  '/usr/bin/dockerd',
  '/usr/sbin/dockerd',
  '/usr/bin/docker-proxy',
  '/usr/bin/crio',
  '/usr/bin/conmon',
  '/usr/libexec/crio/',
  '/usr/bin/podman',
  '/usr/sbin/runc',
  '/usr/bin/runc',
  '/usr/local/sbin/runc',
  '/usr/bin/crun',
  '/usr/bin/kubelet',
  '/usr/local/bin/kubelet',
  '/opt/bin/kubelet',
  '/usr/bin/kube-proxy',
  '/usr/local/bin/k3s',
  '/var/lib/rancher/',
]

/** What the operator may add. There is no way to take away. */
export const guardSettingsSchema = z.strictObject({
  programs: z
    .array(z.string().startsWith('/'))
    .default([])
    .describe('further executables (or directories, with a trailing /) that are never touched'),
})
export type GuardSettings = z.infer<typeof guardSettingsSchema>

export interface Guard {
  /** Why this process is never touched, or undefined when it may be. */
  reason(process: ProcessRef): string | undefined
}

/**
 * `ownPids` are Riposte's: this detector, the `riposte` process around it, its Redis. Their ancestors are protected too,
 * because killing the shell or service manager that holds us ends us. `ownScript` is the command that this process runs: a
 * `riposte` in somebody's hands (undo, kill-switch) must not be stopped by what it is there to stop.
 */
export function createGuard(
  settings: GuardSettings,
  scope: Pick<Scope, 'covers' | 'name'>,
  ownPids: () => Iterable<number>,
  ownScript: string | undefined = process.argv[1],
): Guard {
  const programs = [...protectedPrograms, ...settings.programs]
  return {
    reason({ pid }) {
      if (pid === 1) return 'it is pid 1'
      const stat = readStat(pid)
      if (stat === undefined) return undefined
      if (!scope.covers(pid)) return `it is outside ${scope.name}, which this detector speaks for`
      if (stat.isKernelThread || stat.parentPid === 2) return 'it is a kernel thread'
      if (withAncestors(ownPids()).has(pid)) return 'it is part of Riposte or holds it'
      if (ownScript !== undefined && runsScript(pid, ownScript)) return 'it is the riposte command'
      const program = protectedProgram(pid, programs)
      if (program === unreadable)
        return 'what it runs cannot be read: the detector lacks SYS_PTRACE'
      return program === undefined ? undefined : `${program} is protected on every node`
    },
  }
}

const unreadable = Symbol('unreadable')

/** Without the right to look, a process might be any of them. */
function protectedProgram(
  pid: number,
  programs: readonly string[],
): string | typeof unreadable | undefined {
  const mounts = readProcLink(pid, 'ns/mnt')
  if (mounts === undefined && readStat(pid) !== undefined) return unreadable
  if (mounts !== hostMountNamespace()) return undefined
  const path = readProcLink(pid, 'exe')?.replace(/ \(deleted\)$/, '')
  if (path === undefined) return undefined
  const covers = (program: string): boolean =>
    program.endsWith('/') ? path.startsWith(program) : path === program
  return programs.some(covers) ? path : undefined
}

/** Our own interpreter running our own script; no option before it but those of the first line, which load nothing. */
function runsScript(pid: number, script: string): boolean {
  if (readProcLink(pid, 'exe') !== process.execPath) return false
  const [, ...words] = readProc(pid, 'cmdline')?.split('\0') ?? []
  const named = words.find((word) => !word.startsWith('--max-'))
  const directory = readProcLink(pid, 'cwd')
  if (named === undefined || directory === undefined) return false
  try {
    return realpathSync(resolve(directory, named)) === script
  } catch {
    // Gone, or no file at all: not our script.
    return false
  }
}

function withAncestors(pids: Iterable<number>): Set<number> {
  const found = new Set<number>()
  for (const pid of pids)
    for (
      let stat = readStat(pid);
      stat !== undefined && !found.has(stat.pid);
      stat = readStat(stat.parentPid)
    )
      found.add(stat.pid)
  return found
}

/** Splits what a scope reached into what may be touched and what stays, named for people. */
export function spare(
  guard: Guard,
  processes: readonly ProcessStat[],
): { processes: ProcessStat[]; spared: string[] } {
  const allowed: ProcessStat[] = []
  const spared: string[] = []
  for (const process of processes) {
    const reason = guard.reason(process)
    if (reason === undefined) allowed.push(process)
    else spared.push(`${label(process)}: ${reason}`)
  }
  return { processes: allowed, spared }
}
