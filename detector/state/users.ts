/** Names of users and groups: of the host, and of a container from its own files. */
import { hostAccounts, readAccounts } from './accounts.ts'
import type { Accounts, User } from './accounts.ts'
import type { Process } from './process.ts'

/** What Falco answers for a name that the files do not have (falco-compat 2.4). */
export const UNKNOWN_NAME = '<NA>'

export interface Users {
  /** `root` for 0, `<NA>` for what nobody knows. */
  userName(process: Process | undefined, userId: number): string
  homeOf(process: Process | undefined, userId: number): string
  shellOf(process: Process | undefined, userId: number): string
  groupName(process: Process | undefined, groupId: number): string
  /** Looks again at the files when they are asked for next; call it about once a second. */
  refresh(): void
}

interface Cached {
  accounts: Accounts
  /** `round` in which the files were last looked at. */
  round: number
}

/** `hostRoot` is where the host's files are mounted when the detector itself runs in a container. */
export function createUsers(hostRoot = process.env['HOST_ROOT'] ?? ''): Users {
  const cache = new Map<string, Cached>()
  let round = 1

  function accountsOf(owner: Process | undefined): Accounts {
    const id = owner?.containerId ?? 'host'
    const known = cache.get(id)
    if (known !== undefined && known.round === round) return known.accounts
    const accounts =
      id === 'host' || owner === undefined
        ? hostAccounts(hostRoot, known?.accounts)
        : readAccounts(`${hostRoot}/proc/${owner.pid}`, known?.accounts)
    if (known === undefined && cache.size >= CACHE_LIMIT) cache.clear()
    cache.set(id, { accounts, round })
    return accounts
  }

  const userOf = (owner: Process | undefined, userId: number): User | undefined =>
    accountsOf(owner).users.get(userId) ?? (userId === 0 ? root : undefined)

  return {
    userName: (owner, userId) => userOf(owner, userId)?.name ?? UNKNOWN_NAME,
    homeOf: (owner, userId) => userOf(owner, userId)?.home ?? UNKNOWN_NAME,
    shellOf: (owner, userId) => userOf(owner, userId)?.shell ?? UNKNOWN_NAME,
    groupName: (owner, groupId) =>
      accountsOf(owner).groups.get(groupId) ?? (groupId === 0 ? 'root' : UNKNOWN_NAME),
    refresh() {
      round++
    },
  }
}

const CACHE_LIMIT = 1024
const root: User = { name: 'root', home: '/root', shell: UNKNOWN_NAME }
