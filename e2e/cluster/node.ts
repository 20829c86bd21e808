/** A node: a real kubelet and containerd with kube-proxy and NetworkPolicies, in a network and mounts of their own. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Foundation } from './control-plane.ts'
import { makeCgroup } from './cgroups.ts'
import { must } from './command.ts'
import { containerdSocket, importImage, startContainerd } from './containerd.ts'
import { startKubeProxy } from './kube-proxy.ts'
import { startKubelet } from './kubelet.ts'
import { joinNode, nodeNetns } from './network.ts'
import { startNetworkPolicies } from './network-policies.ts'

export interface ClusterNode {
  readonly name: string
  readonly address: string
  readonly podCidr: string
  /** In every hierarchy; pods are below `<cgroupRoot>/kubepods`, kubelet and containerd in `<cgroupRoot>/system`. */
  readonly cgroupRoot: string
  /** Its name below /run/netns. */
  readonly netns: string
  /** The node's /run, /var/lib and /var/log are this folder's run, var/lib and var/log. */
  readonly folder: string
  readonly containerdSocket: string
  readonly kubeletDir: string
  /** Of containerd, whose mount namespace is the node's. */
  readonly pid: number
  readonly kubeletPid: number
  /** A program of this machine on the node: in its network and mounts. */
  readonly run: (file: string, args: readonly string[]) => Promise<string>
  readonly importImage: (archive: string) => Promise<void>
}

export async function startNode(
  { controlPlane, lease, tools, pki }: Foundation,
  index: number,
  images: readonly string[],
): Promise<ClusterNode> {
  const { runId, addresses } = lease
  const name = `n${index}`
  const folder = join(lease.folder, name)
  const logs = join(folder, 'logs')
  const [netns, cgroup] = [nodeNetns(runId, index), `${runId}-${name}`]
  const [address, podCidr] = [addresses.node(index), addresses.podCidrOf(index)]
  await mkdir(logs, { recursive: true })
  // As on a real node, a detector's scope (the node's subtree) covers the node's own services.
  const place = { cgroup: `${cgroup}/system`, netns, logs }
  await Promise.all([
    joinNode(runId, addresses, index),
    makeCgroup(place.cgroup),
    registerNode(controlPlane, name, podCidr),
  ])
  const containerd = await startContainerd(folder, podCidr, place)
  const server = controlPlane.apiserverUrl
  const mounts = `of:${containerd.pid}`
  const kubelet = await startKubelet({
    tools,
    pki,
    name,
    address,
    server,
    folder,
    dnsService: addresses.dnsService,
    place: { ...place, mounts },
    cgroupRoot: `/${cgroup}`,
  })
  const agent = { tools, pki, place, addresses, name, server, folder }
  await Promise.all([startKubeProxy(agent), startNetworkPolicies(agent)])
  for (const image of images) await importImage(folder, image)
  await kubelet.until('Ready', async () => isReady(await controlPlane.api.get(nodePath(name))))
  const enter = [`--net=/run/netns/${netns}`, `--mount=/proc/${containerd.pid}/ns/mnt`]
  return {
    name,
    address,
    podCidr,
    cgroupRoot: `/${cgroup}`,
    netns,
    folder,
    containerdSocket: containerdSocket(folder),
    kubeletDir: join(folder, 'var/lib/kubelet'),
    pid: containerd.pid,
    kubeletPid: kubelet.pid,
    run: (file, args) => must('nsenter', [...enter, file, ...args]),
    importImage: (archive) => importImage(folder, archive),
  }
}

interface NodeObject {
  readonly status: { readonly conditions?: readonly { type: string; status: string }[] }
}

const nodePath = (name: string) => `/api/v1/nodes/${name}`

const isReady = ({ status }: NodeObject) =>
  (status.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True')

/** Before its kubelet does, so that it has the pods' network that the routes are for. */
async function registerNode(
  { api }: Foundation['controlPlane'],
  name: string,
  podCidr: string,
): Promise<void> {
  const metadata = { name, labels: { 'kubernetes.io/hostname': name } }
  const spec = { podCIDR: podCidr, podCIDRs: [podCidr] }
  await api.request('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata, spec })
}
