import { isolationEffectSchema, plannedIsolationSchema } from '../isolation/effect.ts'
import { outOfServiceRights } from '../isolation/out-of-service.ts'
import { isolationSchema } from '../isolation/parameters.ts'
import { planIsolation } from '../isolation/plan.ts'
import { runIsolation } from '../isolation/run.ts'
import { undoIsolation } from '../isolation/undo.ts'
import { verifyIsolation } from '../isolation/verify.ts'
import { action } from './action.ts'

const making = ['get', 'create', 'delete']

export const isolatePod = action({
  name: 'isolate_pod',
  summary:
    'Cuts this one pod off the network: by its node at once, by a policy for it alone so that it lasts; evidence in it is kept.',
  risk: 'contain',
  target: 'pod',
  parameters: isolationSchema,
  capabilities: ['NET_ADMIN'],
  rbac: [
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'patch'] },
    {
      apiGroups: ['networking.k8s.io'],
      resources: ['networkpolicies'],
      verbs: ['list', ...making],
    },
    { apiGroups: [''], resources: ['pods'], verbs: ['list'], onlyWith: 'holes' },
    { apiGroups: [''], resources: ['services'], verbs: ['list'], onlyWith: 'holes' },
    ...outOfServiceRights.map((right) => ({ ...right, onlyWith: 'relabel' as const })),
    {
      apiGroups: ['cilium.io'],
      resources: ['ciliumnetworkpolicies'],
      verbs: making,
      onlyWith: 'cilium',
    },
    {
      apiGroups: ['crd.projectcalico.org'],
      resources: ['networkpolicies'],
      verbs: making,
      onlyWith: 'calico',
    },
  ],
  undoes:
    'puts the labels back, removes the policy and lifts the cut, unless somebody changed them',

  plan: planIsolation,
  run: (call, planned) => runIsolation(call, plannedIsolationSchema.parse(planned)),
  verify: (call, effect) => verifyIsolation(call, isolationEffectSchema.parse(effect)),
  undo: (call, effect) => undoIsolation(call, isolationEffectSchema.parse(effect)),
})
