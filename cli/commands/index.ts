/** The list of commands, in the order of `riposte --help`. */
import type { AddCommand } from '../command.ts'
import { actions } from './actions.ts'
import { alerts } from './alerts.ts'
import { approvals } from './approvals.ts'
import { audit } from './audit.ts'
import { completion } from './completion.ts'
import { containments } from './containments.ts'
import { detect } from './detect.ts'
import { doctor } from './doctor.ts'
import { fields } from './fields.ts'
import { killSwitch } from './kill-switch.ts'
import { login } from './login.ts'
import { policies } from './policies.ts'
import { respond } from './respond.ts'
import { rules } from './rules.ts'
import { status } from './status.ts'
import { run } from './run.ts'

export const commands: readonly AddCommand[] = [
  run,
  detect,
  respond,
  status,
  alerts,
  rules,
  fields,
  policies,
  actions,
  approvals,
  containments,
  audit,
  killSwitch,
  login,
  doctor,
  completion,
]
