/** What isolating a pod is shown to need, each verb of it, in each of its variants. */
import type { Alert } from '../../contract/alert.ts'
import { isolatePod } from '../../responder/actions/isolate-pod.ts'
import { alertOf } from './calls.ts'
import type { TestCluster } from './kubernetes.ts'
import { does, doesAll, type RightsCase } from './rights-case.ts'
import { workloadManifest } from './workloads.ts'

const simple = { nodeCut: false, verify: 'policy', provider: 'networkpolicy' } as const

export function isolationRights(cluster: TestCluster): RightsCase {
  const onPod = async (name: string) => alertOf(await cluster.runPod(name, { app: name }))
  const onProvider = async (name: string) => {
    await installNetworkProviders(cluster)
    return onPod(name)
  }
  const controlledBy = (owner: Readonly<Record<string, unknown>>) => (name: string) =>
    podControlledBy(cluster, name, owner)
  const away = { ...simple, keepInService: false }
  const of = (kind: 'ReplicaSet' | 'StatefulSet' | 'DaemonSet') => (name: string) =>
    controlledBy(workloadManifest({ kind, name, replicas: 0 }))(name)
  return doesAll([
    // The node is asked with the addresses that stay open; here it does not answer.
    does(isolatePod, onPod, { ...simple, nodeCut: true, allow: ['dns'] }),
    does(isolatePod, of('ReplicaSet'), away),
    does(isolatePod, of('StatefulSet'), away),
    does(isolatePod, of('DaemonSet'), away),
    does(isolatePod, (name) => controlledBy(job(name))(name), away),
    does(isolatePod, onProvider, { ...simple, provider: 'cilium' }),
    does(isolatePod, onProvider, { ...simple, provider: 'calico' }),
  ])
}

/** Taken out of service here: the controller is as it would be, but none runs. */
async function podControlledBy(
  cluster: TestCluster,
  name: string,
  manifest: Readonly<Record<string, unknown>>,
): Promise<Alert> {
  const made = await cluster.kubernetes.create(manifest)
  if (made === null) throw new Error(`there is a controller ${name}`)
  const { apiVersion, kind, metadata } = made
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }
  return alertOf(await cluster.runPod(name, { app: name }, {}, { ownerReferences: [owner] }))
}

const job = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'default' },
  spec: {
    template: {
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'none' }] },
    },
  },
})

/** The kinds of Cilium and Calico, as permissive as definitions can be: their own come with their operators. */
export async function installNetworkProviders({ controlPlane }: TestCluster): Promise<void> {
  await controlPlane.apply(
    definition('cilium.io', 'v2', 'CiliumNetworkPolicy', 'ciliumnetworkpolicies'),
    definition('crd.projectcalico.org', 'v1', 'NetworkPolicy', 'networkpolicies'),
  )
  await controlPlane.waitFor('/apis/cilium.io/v2', Boolean)
  await controlPlane.waitFor('/apis/crd.projectcalico.org/v1', Boolean)
}

const definition = (group: string, version: string, kind: string, plural: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: kind.toLowerCase() },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
})
