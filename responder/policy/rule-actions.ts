/** The built-in policy: what rules ask for by their own `actions:`, in audit, where no policy of the operator says more. */
import type { Policy } from './policy.ts'

export const ruleActionsName = 'rule-actions'

export const ruleActions: Policy = {
  name: ruleActionsName,
  kind: 'ClusterResponsePolicy',
  description:
    "What a rule's own actions ask for, where no policy takes it over; telling people is live",
  file: 'built-in',
  mode: 'audit',
  generation: 'built-in-1',
  namespace: null,
  workloads: null,
  selection: { names: [], tags: [], minPriority: null, source: null },
  condition: null,
  correlate: { by: ['target', 'rule'], windowMs: 15 * 60_000, cooldownMs: 60_000 },
  ladder: [
    {
      name: 'rule',
      isFromRule: true,
      when: null,
      isAlways: false,
      actions: [],
      approve: undefined,
      undo: undefined,
      isRequired: false,
      isWaiting: false,
      deadlineMs: null,
    },
  ],
  limits: {},
  fuse: { max: 5, perMs: 60_000 },
}
