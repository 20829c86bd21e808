/** What is never acted on: the init of everything, the kernel's own, Riposte itself, and what people come in by. */
import type { Step } from '../step.ts'
import { pass, refuse, type Gate, type ProtectedEntry } from './gate.ts'

export const protectedTargets: Gate = {
  name: 'guard',
  ask: ({ step, alert, protected: entries }) => {
    if (step.kind === 'undo' || !isActedOn(step)) return pass
    const entry = entries.find(({ covers }) => covers(alert, step))
    return entry === undefined
      ? pass
      : refuse(`${step.target.name} is protected: ${entry.name} (${entry.origin})`)
  },
}

/** Looking and telling change nothing on the target. */
const isActedOn = ({ risk }: Step) => risk !== 'observe' && risk !== 'notify'

/** Directories where the system keeps its own programs; a name alone protects nothing. */
const systemDirectories = [
  '/bin',
  '/sbin',
  '/usr/bin',
  '/usr/sbin',
  '/usr/lib/systemd',
  '/lib/systemd',
  '/usr/lib/openssh',
  '/usr/local/bin',
  '/usr/libexec',
  '/opt/cni/bin',
]

const systemPrograms = [
  'systemd',
  'systemd-journald',
  'systemd-logind',
  'systemd-networkd',
  'systemd-resolved',
  'systemd-udevd',
  'init',
  'dbus-daemon',
  'dbus-broker',
  'sshd',
  'sshd-session',
  'containerd',
  'containerd-shim-runc-v2',
  'runc',
  'crun',
  'dockerd',
  'crio',
  'conmon',
  'kubelet',
  'kube-proxy',
  'etcd',
]

/** User ids below this belong to the system (login.defs SYS_UID_MAX). */
const firstPersonUid = 1000

const builtIn = (name: string, covers: ProtectedEntry['covers']): ProtectedEntry => ({
  origin: 'built-in',
  name,
  covers,
})

/**
 * Paths count only for processes of system users outside containers: in a user namespace, or in an image, anybody
 * can put a program of their own at /usr/sbin/sshd.
 */
export const protectExecutable = (origin: string, path: string): ProtectedEntry => ({
  origin,
  name: path,
  covers: ({ process, place }) =>
    process !== null &&
    process.userId < firstPersonUid &&
    (place === null || place.containerId === null || place.containerId === 'host') &&
    process.exePath.replace(/ \(deleted\)$/, '') === path,
})

/** `ownPids` are read at each question, as a restarted Redis has another. */
export function builtInGuard(
  ownPids: () => readonly number[],
  bootId: string,
): readonly ProtectedEntry[] {
  return [
    builtIn('pid 1', ({ process }) => process?.pid === 1),
    builtIn(
      'kernel thread',
      ({ process }) => process !== null && (process.pid === 2 || process.parentPid === 2),
    ),
    builtIn(
      'Riposte itself',
      (alert) =>
        alert.bootId === bootId && alert.process !== null && ownPids().includes(alert.process.pid),
    ),
    ...systemDirectories.flatMap((directory) =>
      systemPrograms.map((program) => protectExecutable('built-in', `${directory}/${program}`)),
    ),
  ]
}
