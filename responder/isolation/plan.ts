/** What isolating a pod would change, asked of the API server and of the node; nothing is changed. */
import type { Call, Planned } from '../actions/action.ts'
import { ActionFailed, ActionRefused } from '../actions/errors.ts'
import type { Kubernetes, KubernetesObject, ObjectReference } from '../kubernetes/kubernetes.ts'
import { entriesOf, type Entries } from '../kubernetes/map-patch.ts'
import { referenceTo } from '../kubernetes/objects.ts'
import { partsOfPod, podName } from '../kubernetes/pods.ts'
import { priorOf } from '../kubernetes/prior-state.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { groupOf } from '../kubernetes/resources.ts'
import { getUnlessGone } from '../kubernetes/unless-gone.ts'
import { allowing, lifted, policiesIn } from './beside.ts'
import { isolatedLabel, relabellingSchema, type PlannedIsolation } from './effect.ts'
import { addressesOf, holesOf } from './holes.ts'
import { askNode, type NodeCut } from './node-cut.ts'
import { outOfService } from './out-of-service.ts'
import type { IsolationParameters } from './parameters.ts'
import { policyObject, providers } from './policies.ts'
import { findProbe } from './probe.ts'
import type { PolicyProvider } from './provider.ts'
import { relabelPatch } from './relabel.ts'

type IsolationCall = Call<IsolationParameters>

export async function planIsolation(call: IsolationCall): Promise<Planned> {
  const reference = referenceOf(call.target, call.alert)
  try {
    const [pod, around] = await Promise.all([
      call.kubernetes.get(reference),
      surroundingsOf(call, reference),
    ])
    const by = await isolatedBy(call, pod)
    if (by !== null)
      return { kind: 'already_done', detail: `${call.target.name} is isolated by ${by}` }
    return changeOf(call, await effectFor(call, pod, around))
  } catch (error) {
    if (!(error instanceof ActionFailed) || !error.retryable) throw error
    // The node needs no API server: what it can do is done at once.
    const [node, note] = await nodeCutFor(call, noAddresses)
    if (node === null) throw error
    const notes = [`no policy: ${error.message}`, ...note]
    const nothing = { policy: null, labels: null, relabel: [], probe: null }
    return changeOf(call, { step: call.stepId, reference, ...nothing, node, notes })
  }
}

function changeOf({ target, parameters }: IsolationCall, effect: PlannedIsolation): Planned {
  const { reference, policy, labels, node, notes } = effect
  const by = [
    ...(node === null ? [] : ['its node at once']),
    ...(policy === null ? [] : [`${policy.reference.kind} ${policy.reference.name}`]),
  ]
  const what = `${parameters.directions.join(' and ')} of ${target.name}`
  return {
    kind: 'change',
    detail: [`cut ${what} by ${by.join(' and ')}`, ...notes].join('; '),
    effect,
    bound: { reference, policy, labels },
  }
}

/** Another step that isolates it already. Its own label may be left of an attempt that was interrupted. */
async function isolatedBy({ kubernetes, stepId }: IsolationCall, pod: KubernetesObject) {
  const step = pod.metadata.labels?.[isolatedLabel]
  if (step === undefined || step === stepId) return null
  const { apiVersion, kind } = providers.networkpolicy
  const { namespace = null } = pod.metadata
  const reference = { apiVersion, kind, namespace, name: policyName(step), uid: null }
  return (await getUnlessGone(kubernetes, reference)) === null ? null : `step ${step}`
}

const policyName = (step: string): string => `riposte-${step}`

/** What does not depend on how the pod is now, and is therefore asked beside it. */
async function surroundingsOf(call: IsolationCall, { namespace }: ObjectReference) {
  const { kubernetes, parameters } = call
  const holes = holesOf(parameters, kubernetes.own)
  const [[node, cutNotes], [provider, providerNotes], others] = await Promise.all([
    nodeCutFor(call, () => addressesOf(kubernetes, holes)),
    providerFor(kubernetes, parameters, namespace),
    policiesIn(kubernetes, namespace),
  ])
  return { holes, node, cutNotes, provider, providerNotes, others }
}

async function effectFor(
  call: IsolationCall,
  pod: KubernetesObject,
  around: Awaited<ReturnType<typeof surroundingsOf>>,
): Promise<PlannedIsolation> {
  const { kubernetes, parameters, stepId, caseId } = call
  const { holes, node, cutNotes, provider, providerNotes, others } = around
  const { directions } = parameters
  const { namespace = null, labels = {} } = pod.metadata
  const parts = partsOfPod(pod)
  const isHostNetwork = parts.spec.hostNetwork
  const probe = parameters.verify === 'probe' ? await findProbe(parts) : null
  if (isHostNetwork && node === null)
    throw new ActionRefused(
      `${podName(pod)} has the network of its host, which no policy cuts, and ${cutNotes.join('; ')}`,
    )
  const selecting = provider.denies ? [] : allowing(others, labels, directions)
  const away = parameters.keepInService ? null : await outOfService(kubernetes, pod, selecting)
  const relabelling = relabellingOf(pod, stepId, away?.entries ?? {})
  const after = applied(labels, relabelling.wanted)
  const limiting = lifted(others, labels, after, directions)
  if (limiting.length > 0)
    throw new ActionRefused(
      `without its labels ${podName(pod)} would leave ${limiting.map(({ name }) => name).join(', ')}, which limits what stays open: isolate both directions`,
    )
  const label = { key: isolatedLabel, value: stepId }
  const spec = provider.specOf({ label, directions, holes })
  const made = policyObject(
    provider,
    referenceTo(pod),
    { name: policyName(stepId), stepId, caseId },
    spec,
  )
  const relabel = relabelPatch(pod, stepId, relabelling)
  if (call.willAct !== true) {
    const isDryRun = true
    await Promise.all([
      isHostNetwork ? null : kubernetes.create(made, { isDryRun }),
      kubernetes.patch(referenceTo(pod), relabel, { isDryRun }),
    ])
  }
  const still = provider.denies
    ? []
    : allowing(others, after, directions).filter(({ name }) => name !== made.metadata.name)
  const { apiVersion, kind } = provider
  const reference = { apiVersion, kind, namespace, name: made.metadata.name, uid: null }
  return {
    step: stepId,
    reference: referenceTo(pod),
    policy: isHostNetwork ? null : { reference, spec },
    labels: relabelling,
    relabel,
    node,
    probe,
    notes: [
      ...cutNotes,
      ...providerNotes,
      ...(isHostNetwork ? ['no policy cuts a pod with the network of its host'] : []),
      ...(still.length === 0 || isHostNetwork ? [] : [stillAllowed(still, node)]),
      ...(away?.consequences ?? []),
    ],
  }
}

/** An interrupted attempt of this step has noted what was there; else what is there. */
function relabellingOf(pod: KubernetesObject, stepId: string, away: Entries) {
  const noted = priorOf(pod, 'isolate_pod', stepId, relabellingSchema)
  if (noted !== undefined) return noted
  const wanted = { [isolatedLabel]: stepId, ...away }
  return { wanted, prior: entriesOf(pod, 'labels', Object.keys(wanted)) }
}

function applied(labels: Readonly<Record<string, string>>, entries: Entries) {
  const after = Object.entries({ ...labels, ...entries })
  return Object.fromEntries(after.filter((entry): entry is [string, string] => entry[1] !== null))
}

function stillAllowed(policies: ReturnType<typeof allowing>, node: NodeCut | null): string {
  const names = policies.map(({ name }) => name).join(', ')
  const who = `NetworkPolicy ${names} still allows it something, which no other can take back`
  return node === null ? who : `${who}: only its node stops that`
}

const noAddresses = () => Promise.resolve({ allow: [], allowPorts: [] })

async function nodeCutFor(
  call: IsolationCall,
  addressesNow: () => ReturnType<typeof addressesOf>,
): Promise<readonly [NodeCut | null, readonly string[]]> {
  const { nodeCut, directions } = call.parameters
  if (!nodeCut) return [null, []]
  if (new Set(directions).size < 2)
    return [null, ['its node cuts both directions or none, so it was not asked']]
  const cut = { parameters: { scope: 'pod', ...(await addressesNow()) }, effect: null }
  const { isDone, detail } = await askNode(call, 'plan', cut)
  return isDone ? [cut, []] : [null, [`node cut not available: ${detail}`]]
}

async function providerFor(
  kubernetes: Kubernetes,
  { provider }: IsolationParameters,
  namespace: string | null,
): Promise<readonly [PolicyProvider, readonly string[]]> {
  if (provider !== 'auto') return [providers[provider], []]
  const notes: string[] = []
  for (const other of [providers.cilium, providers.calico]) {
    const { apiVersion, kind, resource } = other
    if (!(await kubernetes.serves(apiVersion, kind))) continue
    const apiGroup = groupOf(apiVersion)
    if (await kubernetes.can({ verb: 'create', apiGroup, resource, namespace })) return [other, []]
    notes.push(`no right to make a ${apiVersion} ${kind}, which would deny for certain`)
  }
  return [providers.networkpolicy, notes]
}
