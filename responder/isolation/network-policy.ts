/** networking.k8s.io/v1: allows only. What another policy of the namespace allows the pod stays allowed. */
import { dnsPods, dnsPort, nodeLocalDns, type SelectedPods } from './holes.ts'
import type { PolicyProvider } from './policies.ts'

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
    return {
      podSelector: { matchLabels: { [label.key]: label.value } },
      policyTypes: directions.map((direction) => types[direction]),
      ...(directions.includes('ingress')
        ? { ingress: peers.length === 0 ? [] : [{ from: peers }] }
        : {}),
      ...(directions.includes('egress')
        ? { egress: [...(peers.length === 0 ? [] : [{ to: peers }]), ...(dns ? [names] : [])] }
        : {}),
    }
  },
}

const types = { ingress: 'Ingress', egress: 'Egress' } as const

const peer = ({ namespace, labels }: SelectedPods) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  podSelector: { matchLabels: labels },
})
