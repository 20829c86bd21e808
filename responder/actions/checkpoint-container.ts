import { z } from 'zod'
import { refusalBehind } from '../kubernetes/api-error.ts'
import { containerSchema, runningContainer } from '../kubernetes/containers.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { partsOfPod } from '../kubernetes/pods.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { action } from './action.ts'
import { ActionRefused, Forbidden, TargetGone } from './errors.ts'

const effectSchema = z.object({
  reference: referenceSchema,
  node: z.string(),
  container: z.string(),
})
const answerSchema = z.looseObject({ items: z.array(z.string()) })

export const checkpointContainer = action({
  name: 'checkpoint_container',
  summary:
    "Has the kubelet write the container's whole memory to a file on its node (where kubelet and runtime can: CRIU); the container goes on.",
  risk: 'observe',
  target: 'pod',
  parameters: z.strictObject({
    container: containerSchema,
    timeoutMs: z.int().min(1000).max(600_000).default(120_000).describe('how long it may take'),
  }),
  capabilities: [],
  rbac: [
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    // The kubelet's whole API goes by this right: it is worth as much as the node.
    { apiGroups: [''], resources: ['nodes/proxy'], verbs: ['create'] },
  ],
  undoes: null,

  async plan({ kubernetes, target, alert, parameters }) {
    const pod = await kubernetes.get(referenceOf(target, alert))
    const container = runningContainer(pod, alert, parameters.container)
    const node = partsOfPod(pod).spec.nodeName
    if (node === null) throw new ActionRefused(`${target.name} is on no node`)
    const right = {
      verb: 'create',
      apiGroup: '',
      resource: 'nodes/proxy',
      namespace: null,
    } as const
    if (!(await kubernetes.can(right))) throw new Forbidden('no right to create nodes/proxy')
    const detail = `write the memory of container ${container} of ${target.name} to a file on ${node}`
    return { kind: 'change', detail, effect: { reference: referenceTo(pod), node, container } }
  },

  async run({ kubernetes, parameters: { timeoutMs } }, given) {
    const { reference, node, container } = effectSchema.parse(given)
    await kubernetes.get(reference)
    const { namespace, name } = reference
    const parts = ['checkpoint', namespace ?? '', name, container].map(encodeURIComponent)
    const kubelet = `/api/v1/nodes/${encodeURIComponent(node)}/proxy`
    const seconds = Math.ceil(timeoutMs / 1000)
    const path = `${kubelet}/${parts.join('/')}?timeout=${seconds}`
    const what = `container ${container} of ${nameOf(reference)}`
    try {
      const answer = await kubernetes.request('POST', path, undefined, { timeoutMs })
      const { items: files } = answerSchema.parse(answer)
      await kubernetes.get(reference)
      const detail = `wrote the memory of ${what} to ${files.join(', ')} on ${node}`
      return { detail, effect: { reference, node, container, files } }
    } catch (error) {
      // The kubelet answers 404 with its API switched off and 500 where the runtime cannot: trying again does not help.
      const refusal = refusalBehind(error)
      const isUnable = error instanceof TargetGone || [404, 500, 501].includes(refusal?.code ?? 0)
      if (!isUnable) throw error
      await kubernetes.get(reference)
      const said = refusal?.message ?? 'it does not serve checkpoints'
      throw new ActionRefused(`the kubelet of ${node} writes no checkpoint of ${what}: ${said}`, {
        cause: error,
      })
    }
  },
})
