/** networking.k8s.io/v1: allows only. What another policy of the namespace allows the pod stays allowed. */
import { dnsPods, dnsPort, nodeLocalDns, type SelectedPods } from './holes.ts'
import type { PolicyProvider } from './provider.ts'

export const networkPolicy: PolicyProvider = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  resource: 'networkpolicies',
  denies: false,
  nameOf: (name) => name,
  specOf({ label, directions, holes: { dns, pods, networks } }) {
    const peers = [...pods.map(peer), ...networks.map((cidr) => ({ ipBlock: { cidr } }))]
    const ports = ['UDP', 'TCP'].map((protocol) => ({ protocol, port: dnsPort }))
    const names = { to: [peer(dnsPods), { ipBlock: { cidr: nodeLocalDns } }], ports }
    const ingress = peers.length === 0 ? [] : [{ from: peers }]
    const egress = [...(peers.length === 0 ? [] : [{ to: peers }]), ...(dns ? [names] : [])]
    // A type without a rule allows nothing; the API server keeps no empty list, and what it keeps is compared later.
    return {
      podSelector: { matchLabels: { [label.key]: label.value } },
      policyTypes: directions.map((direction) => types[direction]),
      ...(directions.includes('ingress') && ingress.length > 0 ? { ingress } : {}),
      ...(directions.includes('egress') && egress.length > 0 ? { egress } : {}),
    }
  },
}

const types = { ingress: 'Ingress', egress: 'Egress' } as const

const peer = ({ namespace, labels }: SelectedPods) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  podSelector: { matchLabels: labels },
})
