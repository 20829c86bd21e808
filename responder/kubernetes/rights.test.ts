import { expect, test } from '@jest/globals'
import type { Right } from './kubernetes.ts'
import { missingRights, rightsBeyond } from './rights.ts'

const cut = {
  name: 'cut',
  rbac: [
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'patch'] },
    { apiGroups: ['policy'], resources: ['pods/eviction'], verbs: ['create'] },
    { apiGroups: ['cilium.io'], resources: ['x'], verbs: ['create'], onlyWith: 'cilium' },
  ],
  asked: [{}],
} as const

const rule = (apiGroups: string[], resources: string[], verbs: string[]) => ({
  apiGroups,
  resources,
  verbs,
})
const granted = (...resourceRules: object[]) => ({
  request: () => Promise.resolve({ status: { resourceRules } }),
})

test('an action that lacks rights says which, those of a variant only where a policy asks for it', async () => {
  const asked: Right[] = []
  const mayOnly = (verbs: string[]) => ({
    can: (right: Right) => {
      asked.push(right)
      return Promise.resolve(verbs.includes(right.verb))
    },
    serves: () => Promise.resolve(false),
  })
  expect(await missingRights(mayOnly(['get', 'patch', 'create']), [cut], [null])).toEqual([])
  expect(asked).toHaveLength(3)
  expect(await missingRights(mayOnly(['get']), [cut, { ...cut, name: 'same' }], [null])).toEqual([
    'cut will fail: no right to patch pods, create pods/eviction.policy',
    'same will fail: no right to patch pods, create pods/eviction.policy',
  ])
  // Asked once each, for both.
  expect(asked).toHaveLength(6)
  const onCilium = { ...cut, asked: [{}, { provider: 'cilium' }] }
  expect(await missingRights(mayOnly(['get', 'patch']), [onCilium], [null])).toEqual([
    'cut will fail: no right to create pods/eviction.policy',
    'cut with provider: cilium will fail: no right to create x.cilium.io',
  ])
})

test('what is granted beyond need is named, what everybody may is not', async () => {
  const needed = rule([''], ['pods'], ['get', 'patch'])
  const everybodys = rule(['authorization.k8s.io'], ['selfsubjectaccessreviews'], ['create'])
  const own = [{ verb: 'get', apiGroup: '', resource: 'configmaps' }]

  const exact = granted(needed, everybodys, rule([''], ['configmaps'], ['get']))
  expect(await rightsBeyond(exact, [cut], own, 'riposte')).toEqual([])
  const more = granted(needed, rule(['', 'apps'], ['secrets'], ['get']))
  expect(await rightsBeyond(more, [cut], own, 'riposte')).toEqual([
    'more rights than the actions need: get secrets, get secrets.apps',
  ])
})
