import { expect, test } from '@jest/globals'
import { alertOf, draft } from '../../e2e/drafts.ts'
import { startEstate } from '../../e2e/estate.ts'
import { ActionFailed, ActionRefused } from '../actions/errors.ts'

test('I3 nothing is planned, and nobody is asked, on a target that its node may not speak of', async () => {
  await using estate = await startEstate({
    plan: (alert, found) => [draft(alert, found)],
    parts: { confirm: () => Promise.reject(new ActionRefused('web-0 runs on node-b')) },
  })
  const [step] = await estate.respond(alertOf(7))
  expect(step).toMatchObject({ status: 'ended', plan: null, outcome: { code: 'refused' } })
  expect(estate.world.effects()).toEqual([])
})

test('while nobody can say, it is tried again', async () => {
  let asked = 0
  await using estate = await startEstate({
    plan: (alert, found) => [draft(alert, found)],
    parts: {
      confirm: () =>
        ++asked === 1 ? Promise.reject(new ActionFailed('away', true)) : Promise.resolve(),
    },
  })
  const [step] = await estate.respond(alertOf(7))
  expect(step).toMatchObject({ outcome: { status: 'done' } })
  expect(estate.world.effects()).toEqual(['stop'])
})
