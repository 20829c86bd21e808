import { expect, test } from '@jest/globals'
import { ownersOf } from './owners.ts'

const createdMs = Date.parse('2026-11-21T03:00:07Z')
const due = Date.parse('2026-11-21T03:00:00Z') / 60_000

test.each([
  ['nightly', `nightly-${due}`],
  ['nightly-report', `nightly-report-${due - 600}`],
  [undefined, `nightly-${due - 1440}`],
  // A date, as people write it, is no minute of these years.
  [undefined, 'nightly-20261121'],
  [undefined, 'nightly-2'],
  [undefined, 'nightly'],
])('CronJob %s made Job %s', (cronJob, name) => {
  const job = { apiVersion: 'batch/v1', kind: 'Job', name, uid: 'j' }
  const above = { apiVersion: 'batch/v1', kind: 'CronJob', name: cronJob, uid: null }
  expect(ownersOf([{ ...job, controller: true }], {}, createdMs)).toEqual(
    cronJob === undefined ? [job] : [job, above],
  )
})
