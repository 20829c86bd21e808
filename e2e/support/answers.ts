/** How often attacks were answered, by those who know: the ledger that all responders share, and the API server. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Ledger } from '../../responder/ledger/open.ts'
import type { Pod } from '../cluster/pods.ts'
import { eventually } from './eventually.ts'

const patienceMs = 180_000

interface Row {
  readonly target_uid: string
  readonly action: string
  readonly status: string
  readonly outcome: string | null
}

/** Lines of a target's UID, an action and `done`, or why it is not, once each of so many steps has ended. */
export async function endsOf(
  { rows }: Ledger,
  policy: string,
  targets: readonly Pod[],
  count: number,
): Promise<readonly string[]> {
  const uids = targets.map(({ metadata }) => metadata.uid)
  const look = (): Promise<readonly Row[]> =>
    rows
      .selectFrom('steps')
      .select(['target_uid', 'action', 'status', 'outcome'])
      .where('policy', '=', policy)
      .where('target_uid', 'in', uids)
      .execute()
  const isOver = (found: readonly Row[]) =>
    found.length >= count && found.every(({ status }) => status === 'ended')
  const ended = await eventually(look, isOver, patienceMs)
  return ended.map(lineOf).toSorted()
}

function lineOf({ target_uid, action, outcome }: Row): string {
  const { status, detail } = JSON.parse(outcome ?? '{}')
  return `${target_uid} ${action} ${status === 'done' ? 'done' : `${status}: ${detail}`}`
}

/** How the only step of a policy ended. */
export const outcomeOf = ({ rows }: Ledger, policy: string): Promise<string> =>
  eventually(
    async () =>
      (
        await rows
          .selectFrom('steps')
          .select('outcome')
          .where('policy', '=', policy)
          .executeTakeFirst()
      )?.outcome ?? '',
    (outcome) => outcome !== '',
    patienceMs,
  )

/** Who works on a capture now: names a process for ever (responder/owner.ts). */
export async function capturingOwner({ rows }: Ledger): Promise<string> {
  const [first] = await eventually(
    () =>
      rows
        .selectFrom('steps')
        .select('owner')
        .where('status', '=', 'acting')
        .where('action', '=', 'capture_pod')
        .execute(),
    (found) => found.length > 0,
    patienceMs,
  )
  return first?.owner ?? ''
}

/** Names of the pods that the responder changed, as the API server wrote them down; plans ask it for nothing. */
export async function podsPatchedIn(namespace: string, auditLog: string): Promise<string[]> {
  const log = await readFile(auditLog, 'utf8')
  return log
    .split('\n')
    .filter((line) => line.includes('"verb":"patch"') && line.includes(':riposte:riposte-'))
    .map((line) => JSON.parse(line))
    .filter(
      ({ requestURI, responseStatus }) =>
        !requestURI.includes('dryRun') && responseStatus.code < 300,
    ) // prettier-ignore
    .filter(({ objectRef }) => objectRef.resource === 'pods' && objectRef.namespace === namespace)
    .map(({ objectRef }) => objectRef.name)
}

/** The responder in a pod, on this machine; its pid namespace is in what it calls itself in the ledger. */
export function programOf({ metadata }: Pod): { readonly pid: number; readonly namespace: string } {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(metadata.uid)) continue
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('respond')) continue
      return { pid: Number(pid), namespace: readlinkSync(`/proc/${pid}/ns/pid`) }
    } catch {
      // It ended meanwhile.
    }
  throw new Error(`no responder runs in ${metadata.name}`)
}
