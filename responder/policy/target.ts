/** What an alert is about, named so that it cannot be taken for another (I3). */
import type { Alert } from '../../contract/alert.ts'
import type { Target } from '../actions/action.ts'

/** The process of the alert; for an alert without one, the matter itself. */
export function targetOf({ bootId, node, process, rule }: Alert): Target {
  if (process === null)
    return { kind: 'case', uid: `${node}/${rule}`, name: `${rule} on ${node}`, node }
  return {
    kind: 'process',
    uid: `${bootId}/${process.pid}/${process.startTimeNs}`,
    name: `${process.name} (${process.pid}) on ${node}`,
    node,
  }
}
