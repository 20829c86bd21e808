/** The controller manager and the scheduler. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Addresses } from './addresses.ts'
import { Daemon, flags, type Place } from './daemon.ts'
import type { Pki } from './pki.ts'
import type { ClusterTools, ToolName } from './tools.ts'

export interface ControllerParts {
  readonly tools: ClusterTools
  readonly pki: Pki
  readonly place: Place
  readonly addresses: Addresses
  readonly folder: string
  readonly server: string
}

export async function startControllerManager(parts: ControllerParts): Promise<Daemon> {
  const { pki, addresses } = parts
  return await startController('kube-controller-manager', parts, {
    'service-account-private-key-file': pki.serviceAccount.key,
    'root-ca-file': pki.caFile,
    'cluster-signing-cert-file': pki.caFile,
    'cluster-signing-key-file': pki.caKeyFile,
    'use-service-account-credentials': 'true',
    'allocate-node-cidrs': 'true',
    'cluster-cidr': addresses.podCidr,
    'service-cluster-ip-range': addresses.serviceCidr,
  })
}

export const startScheduler = (parts: ControllerParts) =>
  startController('kube-scheduler', parts, {})

async function startController(
  name: ToolName,
  { tools, pki, place, folder, server }: ControllerParts,
  own: Readonly<Record<string, string>>,
): Promise<Daemon> {
  const config = join(folder, `${name}.kubeconfig`)
  const issued = await pki.issue(name, `/CN=system:${name}`)
  await writeFile(config, await pki.kubeconfigOf(server, issued), { mode: 0o600 })
  const common = {
    kubeconfig: config,
    'authentication-kubeconfig': config,
    'authorization-kubeconfig': config,
    'bind-address': '127.0.0.1',
    'leader-elect': 'false',
  }
  return new Daemon(name, tools.path(name), flags({ ...common, ...own }), place)
}
