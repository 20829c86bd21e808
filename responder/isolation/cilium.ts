/**
 * cilium.io/v2: what is denied, nothing can allow. So the denial has to leave the holes out of itself, and the allowance
 * beside it is needed too, because a policy of any kind turns the pod's default to deny.
 */
import { dnsPods, dnsPort, nodeLocalDns, type Holes, type SelectedPods } from './holes.ts'
import type { PolicyProvider } from './provider.ts'

export const ciliumPolicy: PolicyProvider = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  resource: 'ciliumnetworkpolicies',
  denies: true,
  nameOf: (name) => name,
  specOf: ({ label, directions, holes }) => ({
    endpointSelector: { matchLabels: { [label.key]: label.value } },
    ...(directions.includes('ingress') ? sides(holes, 'from', 'ingress') : {}),
    ...(directions.includes('egress') ? sides(holes, 'to', 'egress') : {}),
  }),
}

const namespaceLabel = 'k8s:io.kubernetes.pod.namespace'
/** Everything that is neither a pod nor an address of the outside. */
const nodes = ['host', 'remote-node', 'kube-apiserver', 'health', 'init']
const dnsPorts = [{ port: String(dnsPort), protocol: 'ANY' }]
/** Every port but the one that names are asked on. */
const otherPorts = [
  { port: '1', endPort: dnsPort - 1, protocol: 'ANY' },
  { port: String(dnsPort + 1), endPort: 65_535, protocol: 'ANY' },
]

function sides(
  { dns, pods, networks }: Holes,
  word: 'from' | 'to',
  direction: 'ingress' | 'egress',
) {
  const isNameHole = dns && direction === 'egress'
  const spared = isNameHole ? [...pods, dnsPods] : pods
  const except = isNameHole ? [...networks, nodeLocalDns] : networks
  const allowed = [
    ...pods.map((selected) => ({ [`${word}Endpoints`]: [selector(selected)] })),
    ...(networks.length === 0 ? [] : [{ [`${word}CIDR`]: networks }]),
    ...(isNameHole
      ? [
          { toEndpoints: [selector(dnsPods)], toPorts: [{ ports: dnsPorts }] },
          { toCIDR: [nodeLocalDns], toPorts: [{ ports: dnsPorts }] },
        ]
      : []),
  ]
  const denied = [
    ...endpointsBut(spared).map((one) => ({ [`${word}Endpoints`]: [one] })),
    { [`${word}Entities`]: nodes },
    { [`${word}CIDRSet`]: outside(except) },
    ...(isNameHole
      ? [
          { toEndpoints: [selector(dnsPods)], toPorts: [{ ports: otherPorts }] },
          { toCIDR: [nodeLocalDns], toPorts: [{ ports: otherPorts }] },
        ]
      : []),
  ]
  return { [direction]: allowed, [`${direction}Deny`]: denied }
}

const selector = ({ namespace, labels }: SelectedPods) => ({
  matchLabels: { [namespaceLabel]: namespace, ...labels },
})

/**
 * Every pod but these. A pod is none of them when for each it differs in one label: one selector for each way in which
 * that can be so (selectors of a rule are alternatives, expressions within one all hold).
 */
function endpointsBut(spared: readonly SelectedPods[]) {
  const ways = spared.map(({ namespace, labels }) =>
    Object.entries({ [namespaceLabel]: namespace, ...labels }).map(([key, value]) => ({
      key,
      operator: 'NotIn',
      values: [value],
    })),
  )
  const combined = ways.reduce<(typeof ways)[number][]>(
    (found, way) => found.flatMap((so) => way.map((one) => [...so, one])),
    [[]],
  )
  return combined.map((matchExpressions) =>
    matchExpressions.length === 0 ? {} : { matchExpressions },
  )
}

const outside = (except: readonly string[]) =>
  (['0.0.0.0/0', '::/0'] as const).map((cidr) => {
    const same = except.filter((network) => network.includes(':') === cidr.includes(':'))
    return same.length === 0 ? { cidr } : { cidr, except: same }
  })
