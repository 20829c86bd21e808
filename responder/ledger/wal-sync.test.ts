import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { WalSync } from './wal-sync.ts'

test('those who come while it syncs share the one after it, and all are told', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-wal-'))
  writeFileSync(join(directory, 'ledger.db-wal'), 'x')
  {
    await using wal = await WalSync.open(join(directory, 'ledger.db'))
    const running = wal.sync()
    const later = [wal.sync(), wal.sync()]
    expect(later[0]).toBe(later[1])
    expect(later[0]).not.toBe(running)
    await Promise.all([running, ...later])
    const fresh = wal.sync()
    expect(fresh).not.toBe(later[0])
    await fresh
  }
  rmSync(directory, { recursive: true })
})
