/** Whom steps act as: one service account a risk class, so that none can do more than its class may. */
import type { Risk } from '../actions/action.ts'

/** `riposte/riposte` and contain: `riposte/riposte-contain`. */
export const accountOf = (accounts: string, risk: Risk): string => `${accounts}-${risk}`

/** As the API server calls it. */
export const userOf = (account: string): string =>
  `system:serviceaccount:${account.replace('/', ':')}`
