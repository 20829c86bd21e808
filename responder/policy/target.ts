/** What an alert is about, named so that it cannot be taken for another (I3). */
import type { Alert } from '../../contract/alert.ts'
import type { Target, TargetKind } from '../actions/action.ts'

/** The process of the alert; for an alert without one, the object of the request, or the matter itself. */
export function targetOf(alert: Alert): Target {
  return processOf(alert) ?? podOf(alert) ?? objectOf(alert) ?? matterOf(alert)
}

/** What an action of this kind acts on; undefined when the alert is about no such thing. `case` is the planner's own. */
export function targetFor(kind: Exclude<TargetKind, 'case'>, alert: Alert): Target | undefined {
  return targets[kind](alert)
}

const targets: Readonly<Record<Exclude<TargetKind, 'case'>, (alert: Alert) => Target | undefined>> =
  {
    process: processOf,
    pod: podOf,
    workload: workloadOf,
    node: nodeOf,
    object: objectOf,
  }

function processOf({ bootId, node, process, place }: Alert): Target | undefined {
  if (process === null) return undefined
  return {
    kind: 'process',
    uid: `${bootId}/${process.pid}/${process.startTimeNs}`,
    name: `${process.name} (${process.pid}) on ${node}`,
    node,
    namespace: place?.pod?.namespace ?? null,
  }
}

function podOf({ node, place, object }: Alert): Target | undefined {
  const pod = place?.pod
  if (pod) {
    const { uid, namespace, name } = pod
    return { kind: 'pod', uid, name: `pod ${namespace}/${name}`, node, namespace }
  }
  if (object === null || object.resource !== 'pods' || object.apiGroup !== '') return undefined
  const { namespace, name, uid } = object
  if (namespace === null || name === null) return undefined
  const target = `${namespace}/${name}`
  return { kind: 'pod', uid: uid ?? `pods/${target}`, name: `pod ${target}`, node, namespace }
}

/** The last owner; a pod that nobody owns is no workload. Its name holds, as its UID may not be known on the node. */
function workloadOf({ node, place, object }: Alert): Target | undefined {
  const pod = place?.pod
  if (pod) {
    const owner = pod.owners.at(-1)
    if (owner === undefined) return undefined
    const { namespace } = pod
    const name = `${owner.kind.toLowerCase()} ${namespace}/${owner.name}`
    const uid = owner.uid ?? `${owner.kind}/${namespace}/${owner.name}`
    return { kind: 'workload', uid, name, node, namespace }
  }
  if (object === null || !workloads.has(`${object.apiGroup}/${object.resource}`)) return undefined
  const { resource, namespace, name, uid } = object
  if (namespace === null || name === null) return undefined
  const kind = resource.slice(0, -1)
  return {
    kind: 'workload',
    uid: uid ?? `${resource}/${namespace}/${name}`,
    name: `${kind} ${namespace}/${name}`,
    node,
    namespace,
  }
}

const workloads = new Set([
  'apps/deployments',
  'apps/statefulsets',
  'apps/daemonsets',
  'apps/replicasets',
  'batch/jobs',
  'batch/cronjobs',
])

function nodeOf({ node, object }: Alert): Target | undefined {
  const name = object?.resource === 'nodes' ? object.name : node
  if (name === null) return undefined
  return { kind: 'node', uid: `node/${name}`, name: `node ${name}`, node: name, namespace: null }
}

function objectOf({ node, object }: Alert): Target | undefined {
  if (object === null || object.name === null) return undefined
  const { apiGroup, resource, namespace, name, uid } = object
  const path = namespace === null ? name : `${namespace}/${name}`
  return {
    kind: 'object',
    uid: uid ?? `${apiGroup}/${resource}/${path}`,
    name: `${resource} ${path}`,
    node,
    namespace,
  }
}

const matterOf = ({ node, rule }: Alert): Target => ({
  kind: 'case',
  uid: `${node}/${rule}`,
  name: `${rule} on ${node}`,
  node,
  namespace: null,
})
