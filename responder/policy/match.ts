/** Alert × policy → yes or no, with the reason for `riposte alerts explain`. Pure. */
import type { Alert } from '../../contract/alert.ts'
import { whyNotSelected } from '../../contract/select.ts'
import type { Policy } from './policy.ts'
import { namespaceOf, whyNotAmong } from './workloads.ts'

export interface Match {
  readonly isMatch: boolean
  /** One sentence: what selected the alert, or what did not hold. */
  readonly why: string
}

export function matchPolicy(policy: Policy, alert: Alert): Match {
  const missing = whyNotSelected(policy.selection, { ...alert, name: alert.rule })
  if (missing !== null) return { isMatch: false, why: missing }
  const { condition, namespace, workloads } = policy
  if (namespace !== null && namespaceOf(alert) !== namespace)
    return { isMatch: false, why: `it is not in namespace ${namespace}` }
  const elsewhere = workloads === null ? null : whyNotAmong(workloads, alert)
  if (elsewhere !== null) return { isMatch: false, why: elsewhere }
  if (condition === null || condition.holds(alert))
    return { isMatch: true, why: `selected by ${criteria(policy)}` }
  const absent = condition.missingIn(alert)
  const note = absent.length > 0 ? `; the alert does not carry ${absent.join(', ')}` : ''
  return { isMatch: false, why: `condition does not hold: ${condition.text}${note}` }
}

function criteria({ selection, condition, workloads, namespace }: Policy): string {
  const { names, tags, minPriority, source } = selection
  const parts = [
    names.length > 0 ? 'rule name' : null,
    tags.length > 0 ? `tag ${tags.join(' or ')}` : null,
    minPriority === null ? null : `priority ${minPriority} or above`,
    source === null ? null : `source ${source}`,
    namespace === null ? null : `namespace ${namespace}`,
    workloads === null ? null : 'workloads',
    condition === null ? null : `condition ${condition.text}`,
  ].filter((part) => part !== null)
  return parts.length > 0 ? parts.join(', ') : 'everything'
}
