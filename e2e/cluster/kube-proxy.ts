/** Services on a node, by nftables. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Addresses } from './addresses.ts'
import { Daemon, flags, type Place } from './daemon.ts'
import type { Pki } from './pki.ts'
import type { ClusterTools } from './tools.ts'

export interface NodeAgentParts {
  readonly tools: ClusterTools
  readonly pki: Pki
  readonly place: Place
  readonly addresses: Addresses
  readonly name: string
  readonly server: string
  readonly folder: string
}

export async function startKubeProxy(parts: NodeAgentParts): Promise<Daemon> {
  const { tools, pki, place, addresses, name, server, folder } = parts
  const kubeconfig = join(folder, 'kube-proxy.kubeconfig')
  const issued = await pki.issue(`kube-proxy-${name}`, '/CN=system:kube-proxy')
  await writeFile(kubeconfig, await pki.kubeconfigOf(server, issued), { mode: 0o600 })
  const own = flags({
    kubeconfig,
    'proxy-mode': 'nftables',
    'hostname-override': name,
    // What comes from elsewhere is masqueraded, so that the host and the control plane reach Services too.
    'cluster-cidr': addresses.podCidr,
    'conntrack-max-per-core': '0',
    'healthz-bind-address': '127.0.0.1:10256',
    'metrics-bind-address': '127.0.0.1:10249',
  })
  return new Daemon('kube-proxy', tools.path('kube-proxy'), own, place)
}
