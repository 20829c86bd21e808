/** crd.projectcalico.org/v1, as Calico keeps it without its own API server: the first order of the default tier. */
import { dnsPods, dnsPort, nodeLocalDns, type Holes, type SelectedPods } from './holes.ts'
import type { PolicyProvider } from './provider.ts'

export const calicoPolicy: PolicyProvider = {
  apiVersion: 'crd.projectcalico.org/v1',
  kind: 'NetworkPolicy',
  resource: 'networkpolicies',
  denies: true,
  // In the CRDs a policy's name carries its tier.
  nameOf: (name) => `default.${name}`,
  specOf: ({ label, directions, holes }) => ({
    tier: 'default',
    // Before every other policy, Kubernetes' own too (order 1000).
    order: 0,
    selector: equal(label.key, label.value),
    types: directions.map((direction) => (direction === 'ingress' ? 'Ingress' : 'Egress')),
    ...(directions.includes('ingress')
      ? { ingress: [...peers(holes).map((source) => ({ action: 'Allow', source })), deny] }
      : {}),
    ...(directions.includes('egress')
      ? {
          egress: [
            ...peers(holes).map((destination) => ({ action: 'Allow', destination })),
            ...(holes.dns ? nameRules : []),
            deny,
          ],
        }
      : {}),
  }),
}

const deny = { action: 'Deny' }

const nameRules = ['UDP', 'TCP'].flatMap((protocol) =>
  [selected(dnsPods), { nets: [nodeLocalDns] }].map((destination) => ({
    action: 'Allow',
    protocol,
    destination: { ...destination, ports: [dnsPort] },
  })),
)

const peers = ({ pods, networks }: Holes) => [
  ...pods.map(selected),
  ...(networks.length === 0 ? [] : [{ nets: networks }]),
]

function selected({ namespace, labels }: SelectedPods) {
  return {
    namespaceSelector: equal('projectcalico.org/name', namespace),
    selector: Object.entries(labels)
      .map(([key, value]) => equal(key, value))
      .join(' && '),
  }
}

/** Keys and values are labels, checked: neither can hold a quote. */
function equal(key: string, value: string): string {
  return `${key} == '${value}'`
}
