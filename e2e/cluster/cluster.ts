/** A whole Kubernetes on this machine: the control plane and two real nodes that share its kernel. */
import { baseImages } from './images.ts'
import {
  layFoundation,
  phases,
  type ControlPlane,
  type ControlPlaneOptions,
  type Foundation,
} from './control-plane.ts'
import { dnsManifests } from './dns.ts'
import { evidenceIn } from './evidence.ts'
import { linkNodes } from './network.ts'
import { type ClusterNode, startNode } from './node.ts'
import { type Pods, podsOf } from './pods.ts'

export interface Cluster extends ControlPlane, Pods {
  readonly nodes: readonly [ClusterNode, ClusterNode]
  /** On every node; such an archive as `writeImage` makes. Pods that use it need `imagePullPolicy: Never`. */
  readonly importImage: (archive: string) => Promise<void>
}

/** Both nodes are Ready and names are resolved when this resolves; disposing leaves nothing behind. */
export async function startCluster(
  options: Omit<ControlPlaneOptions, 'controllers'> = {},
): Promise<Cluster> {
  const foundation = await layFoundation(options)
  try {
    return await build(foundation, options.say ?? (() => undefined))
  } catch (error) {
    const evidence = await evidenceIn(foundation.lease.folder)
    await foundation.controlPlane[Symbol.asyncDispose]()
    throw new Error(`the cluster did not come up: ${String(error)}\n${evidence}`, { cause: error })
  }
}

async function build(foundation: Foundation, say: (line: string) => void): Promise<Cluster> {
  const { controlPlane, lease, tools } = foundation
  const phase = phases(say)
  const images = await baseImages(tools)
  phase('images')
  const [first, second] = await Promise.all([
    startNode(foundation, 1, images),
    startNode(foundation, 2, images),
    foundation.startControllers(),
  ])
  const nodes = [first, second] as const
  await linkNodes(lease.runId, lease.addresses, nodes.length)
  phase('controllers and nodes')

  await controlPlane.apply(...dnsManifests(lease.addresses))
  await controlPlane.waitFor<{ status: { readyReplicas?: number } }>(
    '/apis/apps/v1/namespaces/kube-system/deployments/coredns',
    (found) => found?.status.readyReplicas === 1,
  )
  phase('DNS')

  return {
    ...controlPlane,
    ...podsOf(controlPlane),
    nodes,
    async importImage(archive) {
      await Promise.all(nodes.map((node) => node.importImage(archive)))
    },
  }
}
