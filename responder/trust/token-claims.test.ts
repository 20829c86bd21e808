import { expect, test } from '@jest/globals'
import { callerOf } from './token-claims.ts'

const accounts = { audience: 'riposte', node: ['riposte/detector'], audit: ['riposte/audit'] }
const prefix = 'authentication.kubernetes.io/'
const bound = {
  [`${prefix}node-name`]: ['node-a'],
  [`${prefix}pod-name`]: ['detector-a'],
  [`${prefix}pod-uid`]: ['u'],
}
const review = (extra: Readonly<Record<string, readonly string[]>>, audiences = ['riposte']) => ({
  status: {
    authenticated: true,
    audiences,
    user: { username: 'system:serviceaccount:riposte:detector', extra },
  },
})

test('a review names the node that the token is bound to', () => {
  expect(callerOf(review(bound), accounts)).toEqual({ kind: 'node', node: 'node-a' })
})

test('what a review does not say exactly once is not believed', () => {
  for (const name of Object.keys(bound))
    for (const values of [[], [''], ['node-a', 'node-b']])
      expect(() => callerOf(review({ ...bound, [name]: values }), accounts)).toThrow(
        'bound to no pod',
      )
})

test('a review for another audience than ours is not believed, whatever the token says', () => {
  expect(() => callerOf(review(bound, ['kubernetes']), accounts)).toThrow('audience')
})
