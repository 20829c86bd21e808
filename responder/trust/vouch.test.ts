import { expect, test } from '@jest/globals'
import { sampleAlert } from '../policy/alert.sample.ts'
import { whyNotTheirs } from './vouch.ts'

const nothing = { process: null, place: null, strikes: [], request: null, object: null }
const strike = {
  policy: 'p',
  policyGeneration: 'g',
  mode: 'enforce',
  scope: 'process',
} as const
const object = {
  apiGroup: '',
  apiVersion: 'v1',
  resource: 'pods',
  subresource: null,
  namespace: 'shop',
  name: 'web',
  uid: null,
}

test('a detector of audit events may not even tell of a strike, nor one of a node of an object alone', () => {
  const internal = { ...nothing, source: 'internal' }
  const why = (kind: 'node' | 'audit', changes: object) =>
    whyNotTheirs({ kind, node: 'n' }, sampleAlert({ ...internal, ...changes }))
  expect([why('audit', {}), why('node', {})]).toEqual([null, null])
  expect(why('audit', { strikes: [strike] })).toContain('may not speak of processes')
  expect(why('node', { object })).toContain('may not send alerts of the Kubernetes audit')
})
