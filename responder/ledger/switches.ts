/** What people switch: the kill switch, modes of policies, and policies whose fuse or breaker is open. */
import { LedgerRefused } from '../errors.ts'
import type { Ledger, Writing } from './open.ts'

type Reads = Pick<Ledger, 'rows'> | Pick<Writing, 'rows'>

const killSwitchName = 'kill_switch'

export interface Switched {
  readonly by: string
  readonly reason: string
  readonly atMs: number
}

export async function readSetting({ rows }: Reads, name: string): Promise<string | undefined> {
  const row = await rows
    .selectFrom('settings')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.value
}

export async function writeSetting({ rows }: Writing, name: string, value: string): Promise<void> {
  await rows
    .insertInto('settings')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}

/** The same for everybody who shares the ledger: whoever asks first draws it. */
export async function sharedSecret(
  ledger: Ledger,
  name: string,
  draw: () => string,
): Promise<string> {
  await ledger.rows
    .insertInto('settings')
    .values({ name, value: draw() })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const secret = await readSetting(ledger, name)
  if (secret === undefined) throw new LedgerRefused(`the ledger did not keep ${name}`)
  return secret
}

/** Why the ledger's kill switch is on, or null. */
export async function killSwitchReason(reads: Reads): Promise<string | null> {
  return (await readSetting(reads, killSwitchName)) ?? null
}

export const turnKillSwitch = (
  ledger: Ledger,
  isOn: boolean,
  who: Pick<Switched, 'by' | 'reason'>,
): Promise<void> =>
  ledger.write(async (writing) => {
    const said = `turned on by ${who.by}${who.reason === '' ? '' : `: ${who.reason}`}`
    if (isOn) await writeSetting(writing, killSwitchName, said)
    else await writing.rows.deleteFrom('settings').where('name', '=', killSwitchName).execute()
    const kind = isOn ? 'kill_switch_on' : 'kill_switch_off'
    await writing.audit({ kind, subject: 'kill_switch', body: { ...who } })
  })

/** A person's choice of mode for a policy, over what its file says; null takes it back. */
export const setPolicyMode = (
  ledger: Ledger,
  policy: string,
  mode: 'off' | 'audit' | 'enforce' | null,
  who: Pick<Switched, 'by' | 'reason'>,
): Promise<void> =>
  ledger.write(async (writing) => {
    if (mode === null)
      await writing.rows.deleteFrom('settings').where('name', '=', `mode:${policy}`).execute()
    else await writeSetting(writing, `mode:${policy}`, mode)
    await writing.audit({ kind: 'policy_mode', subject: policy, body: { mode, ...who } })
  })

/** Policy name → the mode that people set. */
export async function policyModes({
  rows,
}: Reads): Promise<ReadonlyMap<string, 'off' | 'audit' | 'enforce'>> {
  const found = await rows
    .selectFrom('settings')
    .selectAll()
    .where('name', 'like', 'mode:%')
    .execute()
  const modes = new Map<string, 'off' | 'audit' | 'enforce'>()
  for (const { name, value } of found)
    if (value === 'off' || value === 'audit' || value === 'enforce')
      modes.set(name.slice('mode:'.length), value)
  return modes
}

export interface Trip {
  readonly policy: string
  readonly reason: string
  readonly atMs: number
}

export async function listTrips({ rows }: Reads): Promise<readonly Trip[]> {
  const found = await rows.selectFrom('trips').selectAll().orderBy('at_ms').execute()
  return found.map(({ policy, reason, at_ms: atMs }) => ({ policy, reason, atMs }))
}

export async function trip(writing: Writing, policy: string, reason: string): Promise<void> {
  const { rows, nowMs } = writing
  const result = await rows
    .insertInto('trips')
    .values({ policy, reason, at_ms: nowMs })
    .onConflict((conflict) => conflict.column('policy').doNothing())
    .executeTakeFirst()
  if (result.numInsertedOrUpdatedRows === 1n)
    await writing.audit({ kind: 'tripped', subject: policy, body: { reason } })
}

/** Only a person closes a fuse; what was counted before no longer counts. False: it was not open. */
export const resetTrip = (
  ledger: Ledger,
  policy: string,
  who: Pick<Switched, 'by' | 'reason'>,
): Promise<boolean> =>
  ledger.write(async (writing) => {
    const result = await writing.rows
      .deleteFrom('trips')
      .where('policy', '=', policy)
      .executeTakeFirst()
    if (result.numDeletedRows === 0n) return false
    await writeSetting(writing, `reset:${policy}`, String(writing.nowMs))
    await writing.audit({ kind: 'trip_reset', subject: policy, body: { ...who } })
    return true
  })

export const resetAtMs = async (reads: Reads, policy: string): Promise<number> =>
  Number((await readSetting(reads, `reset:${policy}`)) ?? 0)
