import { expect, test } from '@jest/globals'
import { assert, property, string } from 'fast-check'
import { sampleAlert } from '../policy/alert.sample.ts'
import { fieldOrText, isLabelKey, isLabelValue, labelValueOf } from './label-values.ts'

test('whatever a field holds becomes a value that the API server takes', () => {
  assert(property(string({ unit: 'binary' }), (text) => isLabelValue(labelValueOf(text))))
  expect(labelValueOf('/usr/bin/my shell; rm -rf')).toBe('usr_bin_my_shell__rm_-rf')
  expect(labelValueOf(`${'a'.repeat(62)}--b`)).toBe('a'.repeat(62))
  expect(labelValueOf('web-0')).toBe('web-0')
  expect(labelValueOf('../..')).toBe('')
})

test('keys are checked as the API server checks them', () => {
  expect(['state', 'example.com/state', 'a/B_c.d-e'].filter(isLabelKey)).toHaveLength(3)
  for (const key of ['', '/a', 'a/', 'a/b/c', 'A.com/x', '-a', 'a b', 'x'.repeat(64)])
    expect([key, isLabelKey(key)]).toEqual([key, false])
})

test('a %field is the value of the alert, anything else is itself', () => {
  expect(fieldOrText('%user.name', sampleAlert())).toBe('mallory')
  expect(fieldOrText('%no.such', sampleAlert())).toBeUndefined()
  expect(fieldOrText('plain', sampleAlert())).toBe('plain')
})
