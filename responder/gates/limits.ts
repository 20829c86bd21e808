/** At most so many acts in a window: on the target, on the node, anywhere. */
import { seconds } from '../policy/duration.ts'
import { pass, refuse, type Gate } from './gate.ts'

export const limits: Gate = {
  name: 'limits',
  ask: ({ step, counts }) => {
    if (step.kind === 'undo' || step.risk === 'notify') return pass
    const reached = step.terms.limits.findIndex(
      ({ classes, max }, index) => classes.includes(step.risk) && (counts[index] ?? 0) >= max,
    )
    const limit = step.terms.limits[reached]
    if (limit === undefined) return pass
    const where = {
      target: step.target.name,
      node: `node ${step.target.node}`,
      namespace: `namespace ${step.target.namespace}`,
      workload: `the workload of ${step.target.name}`,
      global: 'all nodes',
    }
    return refuse(
      `${counts[reached]} acts on ${where[limit.scope]} within ${seconds(limit.perMs)}; ${limit.origin} allows ${limit.max}`,
    )
  },
}
