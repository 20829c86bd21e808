/** The modes that people set over the files, with who and when: the ledger holds them, so they outlive restarts. */
import { listAudit } from './ledger/audit.ts'
import type { Ledger } from './ledger/open.ts'
import { policyModes } from './ledger/switches.ts'
import type { ModeOverride } from './policy/in-force.ts'

export async function readOverrides(ledger: Ledger): Promise<ReadonlyMap<string, ModeOverride>> {
  const overrides = new Map<string, ModeOverride>()
  for (const [policy, mode] of await policyModes(ledger)) {
    const records = await listAudit(ledger, { subject: policy, limit: 50 })
    const record = records.find(({ kind }) => kind === 'policy_mode')
    const person = record?.body['by']
    overrides.set(policy, {
      mode,
      person: typeof person === 'string' ? person : 'unknown',
      atMs: record?.atMs ?? 0,
    })
  }
  return overrides
}
