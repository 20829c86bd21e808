/** The list of commands, in the order of `riposte --help`. */
import type { AddCommand } from '../command.ts'

/** By name, each imported when it is needed: the detector is not to hold what only a shell asks for. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  run: async () => (await import('./run.ts')).run,
  detect: async () => (await import('./detect.ts')).detect,
  respond: async () => (await import('./respond.ts')).respond,
  status: async () => (await import('./status.ts')).status,
  alerts: async () => (await import('./alerts.ts')).alerts,
  rules: async () => (await import('./rules.ts')).rules,
  fields: async () => (await import('./fields.ts')).fields,
  policies: async () => (await import('./policies.ts')).policies,
  actions: async () => (await import('./actions.ts')).actions,
  approvals: async () => (await import('./approvals.ts')).approvals,
  containments: async () => (await import('./containments.ts')).containments,
  evidence: async () => (await import('./evidence.ts')).evidence,
  audit: async () => (await import('./audit.ts')).audit,
  'kill-switch': async () => (await import('./kill-switch.ts')).killSwitch,
  login: async () => (await import('./login.ts')).login,
  doctor: async () => (await import('./doctor.ts')).doctor,
  completion: async () => (await import('./completion.ts')).completion,
}

/** These need no other: everything else (help, completion, a name that is nearly one) wants the whole tree. */
const alone = new Set(['run', 'detect', 'respond'])

/** What the command line needs. */
export function commandsFor([first]: readonly string[]): Promise<readonly AddCommand[]> {
  const names = Object.keys(commands).filter(
    (name) => first === undefined || !alone.has(first) || name === first,
  )
  return Promise.all(names.flatMap((name) => commands[name]?.() ?? []))
}
