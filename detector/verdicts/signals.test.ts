import { expect, test } from '@jest/globals'
import { isDead, readStat, refOf } from './proc.ts'
import { signal } from './signals.ts'
import { startVictim, until } from './testing.ts'

test('a signal reaches the process that was named and no other that has its pid', async () => {
  await using victim = await startVictim(['sleep', '1000'])
  const ref = refOf(victim.identity)
  expect(signal({ ...ref, startTicks: ref.startTicks - 1 }, 'SIGKILL')).toBe(false)
  expect(isDead(readStat(victim.pid))).toBe(false)
  expect(signal(ref, 'SIGKILL')).toBe(true)
  await until(() => readStat(victim.pid) === undefined)
  expect(signal(ref, 'SIGKILL')).toBe(false)
})
