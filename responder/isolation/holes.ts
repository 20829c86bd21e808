/** What stays reachable, as policies select it and as the node's cut needs it: by address. */
import { isIP } from 'node:net'
import { z } from 'zod'
import type { OpenPort } from '../../contract/node-actions.ts'
import { ActionRefused } from '../actions/errors.ts'
import type { Kubernetes, OwnPlace } from '../kubernetes/kubernetes.ts'
import { addressesOfPods, selectorOf } from '../kubernetes/pods.ts'
import type { IsolationParameters } from './parameters.ts'

export interface SelectedPods {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

export interface Holes {
  readonly dns: boolean
  readonly pods: readonly SelectedPods[]
  /** With a prefix length each. */
  readonly networks: readonly string[]
}

/** CoreDNS and kube-dns carry it in every distribution that keeps to the convention. */
export const dnsPods: SelectedPods = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } }
/** Where the cache for names on each node listens, by convention. */
export const nodeLocalDns = '169.254.20.10/32'
export const dnsPort = 53

/** Throws ActionRefused where a name cannot be resolved: a hole that was meant to be there and is not is no small thing. */
export function holesOf({ allow }: IsolationParameters, own: OwnPlace): Holes {
  const { namespace, labels } = own
  const isForUs = allow.includes('responders')
  if (isForUs && namespace === null)
    throw new ActionRefused('`responders` is known in a cluster only; set kubernetes.namespace')
  const ownPods = isForUs && namespace !== null ? [{ namespace, labels }] : []
  return {
    dns: allow.includes('dns'),
    pods: [...ownPods, ...allow.filter((one) => typeof one === 'object')],
    networks: allow
      .filter((one) => typeof one === 'string')
      .filter((one) => one !== 'dns' && one !== 'responders')
      .map(networkOf),
  }
}

const networkOf = (address: string): string =>
  address.includes('/') ? address : `${address}/${isIP(address) === 6 ? 128 : 32}`

/** The node's parameters: addresses as they are now. What restarts elsewhere later stays cut off there. */
export async function addressesOf(
  kubernetes: Kubernetes,
  { dns, pods, networks }: Holes,
): Promise<{ allow: string[]; allowPorts: OpenPort[] }> {
  const [podAddresses, dnsAddresses] = await Promise.all([
    Promise.all(
      pods.map((selected) => addressesOfPods(kubernetes, selected.namespace, selected.labels)),
    ),
    dns ? dnsAddressesOf(kubernetes) : [],
  ])
  return {
    allow: [...networks, ...podAddresses.flat()].slice(0, maxAddresses),
    allowPorts: dns
      ? [{ port: dnsPort, protocol: 'any', to: dnsAddresses.slice(0, maxAddresses) }]
      : [],
  }
}

/** The node takes no more. */
const maxAddresses = 32

const serviceSchema = z.looseObject({
  spec: z.looseObject({ clusterIPs: z.array(z.string()).default([]) }).prefault({}),
})

/** The Service's own addresses as well: the cut sees packets before they are rewritten to a pod's. */
async function dnsAddressesOf(kubernetes: Kubernetes): Promise<string[]> {
  const { namespace, labels } = dnsPods
  const of = { apiVersion: 'v1', kind: 'Service', namespace }
  const [services, pods] = await Promise.all([
    kubernetes.list(of, { labels: selectorOf(labels), mayLag: true }),
    addressesOfPods(kubernetes, namespace, labels),
  ])
  const clusterIps = services.flatMap((service) => serviceSchema.parse(service).spec.clusterIPs)
  return [...clusterIps.filter((ip) => isIP(ip) !== 0), ...pods, nodeLocalDns]
}
