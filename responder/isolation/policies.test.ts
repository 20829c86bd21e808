import { expect, test } from '@jest/globals'
import { calicoPolicy } from './calico.ts'
import { ciliumPolicy } from './cilium.ts'
import { networkPolicy } from './network-policy.ts'
import type { PolicyParts } from './provider.ts'

const label = { key: 'riposte.dev/isolated', value: 's1' }
const nothing: PolicyParts = {
  label,
  directions: ['ingress', 'egress'],
  holes: { dns: false, pods: [], networks: [] },
}
const holed: PolicyParts = {
  ...nothing,
  holes: {
    dns: true,
    pods: [{ namespace: 'riposte', labels: { app: 'r' } }],
    networks: ['10.1.0.0/16', 'fd00::1/128'],
  },
}

test('a NetworkPolicy without holes selects one pod and allows nothing', () => {
  expect(networkPolicy.specOf(nothing)).toEqual({
    podSelector: { matchLabels: { 'riposte.dev/isolated': 's1' } },
    policyTypes: ['Ingress', 'Egress'],
  })
  expect(networkPolicy.specOf({ ...nothing, directions: ['egress'] })).toEqual({
    podSelector: { matchLabels: { 'riposte.dev/isolated': 's1' } },
    policyTypes: ['Egress'],
  })
})

test('the holes of a NetworkPolicy are peers, and names on port 53 alone', () => {
  const peers = [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'riposte' } },
      podSelector: { matchLabels: { app: 'r' } },
    },
    { ipBlock: { cidr: '10.1.0.0/16' } },
    { ipBlock: { cidr: 'fd00::1/128' } },
  ]
  const names = {
    to: [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
        podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      },
      { ipBlock: { cidr: '169.254.20.10/32' } },
    ],
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  }
  expect(networkPolicy.specOf(holed)).toMatchObject({
    ingress: [{ from: peers }],
    egress: [{ to: peers }, names],
  })
})

test('a CiliumNetworkPolicy without holes denies pods, nodes and the outside, both ways', () => {
  const nodes = ['host', 'remote-node', 'kube-apiserver', 'health', 'init']
  const outside = [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }]
  expect(ciliumPolicy.specOf(nothing)).toEqual({
    endpointSelector: { matchLabels: { 'riposte.dev/isolated': 's1' } },
    ingress: [],
    ingressDeny: [{ fromEndpoints: [{}] }, { fromEntities: nodes }, { fromCIDRSet: outside }],
    egress: [],
    egressDeny: [{ toEndpoints: [{}] }, { toEntities: nodes }, { toCIDRSet: outside }],
  })
})

const not = (key: string, value: string) => ({ key, operator: 'NotIn', values: [value] })

test('a CiliumNetworkPolicy leaves its holes out of what it denies, and allows them', () => {
  const namespace = 'k8s:io.kubernetes.pod.namespace'
  const spec = ciliumPolicy.specOf(holed)
  expect(spec['ingress']).toEqual([
    { fromEndpoints: [{ matchLabels: { [namespace]: 'riposte', app: 'r' } }] },
    { fromCIDR: ['10.1.0.0/16', 'fd00::1/128'] },
  ])
  expect(spec['ingressDeny']).toEqual([
    { fromEndpoints: [{ matchExpressions: [not(namespace, 'riposte')] }] },
    { fromEndpoints: [{ matchExpressions: [not('app', 'r')] }] },
    { fromEntities: expect.anything() },
    {
      fromCIDRSet: [
        { cidr: '0.0.0.0/0', except: ['10.1.0.0/16'] },
        { cidr: '::/0', except: ['fd00::1/128'] },
      ],
    },
  ])
  // Neither Riposte's nor the name servers: in one label of each it differs.
  expect(spec['egressDeny']).toEqual([
    ...[
      [not(namespace, 'riposte'), not(namespace, 'kube-system')],
      [not(namespace, 'riposte'), not('k8s-app', 'kube-dns')],
      [not('app', 'r'), not(namespace, 'kube-system')],
      [not('app', 'r'), not('k8s-app', 'kube-dns')],
    ].map((matchExpressions) => ({ toEndpoints: [{ matchExpressions }] })),
    { toEntities: expect.anything() },
    {
      toCIDRSet: [
        { cidr: '0.0.0.0/0', except: ['10.1.0.0/16', '169.254.20.10/32'] },
        { cidr: '::/0', except: ['fd00::1/128'] },
      ],
    },
    {
      toEndpoints: [{ matchLabels: { [namespace]: 'kube-system', 'k8s-app': 'kube-dns' } }],
      toPorts: [
        {
          ports: [
            { port: '1', endPort: 52, protocol: 'ANY' },
            { port: '54', endPort: 65_535, protocol: 'ANY' },
          ],
        },
      ],
    },
    { toCIDR: ['169.254.20.10/32'], toPorts: expect.anything() },
  ])
})

test('a Calico policy comes before all others: its holes, then a denial', () => {
  const selector = "riposte.dev/isolated == 's1'"
  const deny = { action: 'Deny' }
  expect(calicoPolicy.nameOf('riposte-s1')).toBe('default.riposte-s1')
  expect(calicoPolicy.specOf(nothing)).toEqual({
    tier: 'default',
    order: 0,
    selector,
    types: ['Ingress', 'Egress'],
    ingress: [deny],
    egress: [deny],
  })
  const own = {
    namespaceSelector: "projectcalico.org/name == 'riposte'",
    selector: "app == 'r'",
  }
  const nets = { nets: ['10.1.0.0/16', 'fd00::1/128'] }
  const dns = {
    namespaceSelector: "projectcalico.org/name == 'kube-system'",
    selector: "k8s-app == 'kube-dns'",
  }
  expect(calicoPolicy.specOf(holed)).toMatchObject({
    ingress: [{ action: 'Allow', source: own }, { action: 'Allow', source: nets }, deny],
    egress: [
      { action: 'Allow', destination: own },
      { action: 'Allow', destination: nets },
      { action: 'Allow', protocol: 'UDP', destination: { ...dns, ports: [53] } },
      {
        action: 'Allow',
        protocol: 'UDP',
        destination: { nets: ['169.254.20.10/32'], ports: [53] },
      },
      { action: 'Allow', protocol: 'TCP', destination: { ...dns, ports: [53] } },
      {
        action: 'Allow',
        protocol: 'TCP',
        destination: { nets: ['169.254.20.10/32'], ports: [53] },
      },
      deny,
    ],
  })
})
