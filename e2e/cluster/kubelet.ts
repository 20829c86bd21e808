/** A node's kubelet, sharing mounts with the node's containerd. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Daemon, flags, type Place } from './daemon.ts'
import type { Pki } from './pki.ts'
import type { ClusterTools } from './tools.ts'

export interface KubeletParts {
  readonly tools: ClusterTools
  readonly pki: Pki
  /** With the mounts of the node's containerd. */
  readonly place: Place
  readonly name: string
  readonly address: string
  readonly dnsService: string
  readonly server: string
  readonly cgroupRoot: string
  readonly folder: string
}

export async function startKubelet(parts: KubeletParts): Promise<Daemon> {
  const { tools, pki, place, name, address, server, folder } = parts
  const subject = `/O=system:nodes/CN=system:node:${name}`
  const issued = await pki.issue(`node-${name}`, subject, [`DNS:${name}`, `IP:${address}`])
  const kubeconfig = join(folder, 'kubelet.kubeconfig')
  const config = join(folder, 'kubelet.json')
  await writeFile(kubeconfig, await pki.kubeconfigOf(server, issued), { mode: 0o600 })
  await writeFile(config, JSON.stringify(configOf(parts, issued.certificate, issued.key)))
  const own = { config, kubeconfig, 'hostname-override': name, 'node-ip': address }
  return new Daemon('kubelet', tools.path('kubelet'), flags(own), place)
}

const configOf = (
  { pki, address, dnsService, cgroupRoot }: KubeletParts,
  certificate: string,
  key: string,
) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address,
  port: 10250,
  healthzBindAddress: '127.0.0.1',
  tlsCertFile: certificate,
  tlsPrivateKeyFile: key,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: pki.caFile },
  },
  authorization: { mode: 'Webhook' },
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  cgroupDriver: 'cgroupfs',
  cgroupRoot,
  failCgroupV1: false,
  failSwapOn: false,
  resolvConf: '',
  clusterDNS: [dnsService],
  clusterDomain: 'cluster.local',
  enforceNodeAllocatable: ['pods'],
  nodeStatusUpdateFrequency: '5s',
  // The machine's disk is not the cluster's own.
  evictionHard: {
    'memory.available': '100Mi',
    'nodefs.available': '1%',
    'imagefs.available': '1%',
    'nodefs.inodesFree': '1%',
  },
  imageMinimumGCAge: '24h',
  imageGCHighThresholdPercent: 100,
})
