import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { alertOf, draft } from '../e2e/drafts.ts'
import { eventually, startEstate, type Estate } from '../e2e/estate.ts'
import type { StepDraft } from './step.ts'

const estates: Estate[] = []
afterEach(async () => {
  for (const estate of estates.splice(0)) await estate[Symbol.asyncDispose]()
})
const estateOf = async (changes: Partial<StepDraft>) => {
  const estate = await startEstate({ plan: (alert, found) => [draft(alert, found, changes)] })
  estates.push(estate)
  return estate
}
const slow = { action: 'slow', risk: 'contain', lane: 'contain' } as const
const ann = { by: 'ann', reason: 'drill' }

test('the file stops everything above notify, and taking it away lets it go on', async () => {
  const estate = await estateOf({})
  const file = join(estate.world.directory, 'kill-switch')
  writeFileSync(file, '')
  const [step] = await estate.respond(alertOf(7))
  expect(step?.outcome).toMatchObject({ status: 'suppressed', code: 'kill_switch' })
  await eventually(() =>
    estate.core.degraded().some((text) => text.startsWith('the kill switch is on')),
  )
  rmSync(file)
  await estate.respond(alertOf(8))
  expect(estate.world.effects()).toEqual(['stop'])
})

test('people are told while the kill switch is on', async () => {
  const estate = await estateOf({ action: 'tell', risk: 'notify', lane: 'notify' })
  await estate.core.turnKillSwitch(true, ann)
  await estate.respond(alertOf(7))
  expect(estate.world.effects()).toEqual(['tell'])
})

test('an act that is under way is stopped, and its outcome says that it had begun', async () => {
  const estate = await estateOf(slow)
  await estate.core.takeAlerts([alertOf(7)])
  await eventually(() => estate.world.effects().includes('begin'))
  await estate.core.turnKillSwitch(true, ann)
  const steps = await estate.respond()
  expect(steps[0]?.outcome).toEqual({
    status: 'suppressed',
    code: 'kill_switch',
    detail: 'the kill switch is on: turned on by ann: drill; whether it took effect is not known',
  })
  expect(estate.changes).toContainEqual({ kind: 'kill_switch', reason: 'turned on by ann: drill' })
})
