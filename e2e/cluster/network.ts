/**
 * The network of a run. The control plane's namespace holds the bridge, so that the host's own firewall and bridge
 * settings have no say; the host has one link into it and routes to pods and Services.
 */
import { must } from './command.ts'
import type { Addresses } from './addresses.ts'

export const controlPlaneNetns = (runId: string) => `${runId}-cp`
export const nodeNetns = (runId: string, index: number) => `${runId}-n${index}`

/** The control plane's namespace and the host's way into it; the host's link is named like the run. */
export async function makeNetwork(runId: string, addresses: Addresses): Promise<void> {
  const netns = controlPlaneNetns(runId)
  await ip(`netns add ${netns}`)
  await ip(`link add ${runId} type veth peer name host netns ${netns}`)
  await ip(`addr add ${addresses.host}/24 dev ${runId}`, `link set ${runId} up`)
  await ipIn(
    netns,
    'link set lo up',
    'link add br0 type bridge',
    'link set host master br0',
    'link set host up',
    `addr add ${addresses.controlPlane}/24 dev br0`,
    'link set br0 up',
    `route add default via ${addresses.host}`,
  )
  await inNetns(netns, 'sysctl -qew net.bridge.bridge-nf-call-iptables=0')
}

/** A node's namespace on the bridge, and everybody's routes to its pods. */
export async function joinNode(runId: string, addresses: Addresses, index: number): Promise<void> {
  const [bridge, netns] = [controlPlaneNetns(runId), nodeNetns(runId, index)]
  const address = addresses.node(index)
  await ip(`netns add ${netns}`)
  await ipIn(bridge, `link add n${index} type veth peer name eth0 netns ${netns}`)
  await ipIn(
    netns,
    'link set lo up',
    `addr add ${address}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${addresses.host}`,
  )
  const toPods = `route add ${addresses.podCidrOf(index)} via ${address}`
  await ipIn(bridge, `link set n${index} master br0`, `link set n${index} up`, toPods)
  await inNetns(netns, 'sysctl -qew net.ipv4.ip_forward=1')
  await ip(toPods)
}

/** Routes that need all namespaces: nodes to one another's pods, and Services through the first node's kube-proxy. */
export async function linkNodes(runId: string, addresses: Addresses, count: number): Promise<void> {
  const indexes = Array.from({ length: count }, (_, at) => at + 1)
  for (const from of indexes)
    for (const to of indexes.filter((other) => other !== from))
      await ipIn(
        nodeNetns(runId, from),
        `route add ${addresses.podCidrOf(to)} via ${addresses.node(to)}`,
      )
  const toServices = `route add ${addresses.serviceCidr} via ${addresses.node(1)}`
  await ip(toServices)
  await ipIn(controlPlaneNetns(runId), toServices)
}

/** Removes namespaces and links of a run; the links into a namespace go with it. */
export async function removeNetwork(runId: string): Promise<void> {
  // The link first: a namespace is taken apart by the kernel in its own time.
  for (const link of await linksOf(runId)) await must('ip', ['link', 'del', link])
  for (const netns of await netnsOf(runId)) await must('ip', ['netns', 'del', netns])
}

export async function netnsOf(runId: string): Promise<string[]> {
  const names = (await must('ip', ['netns', 'list'])).split('\n').map((line) => line.split(' ')[0])
  return names.filter((name) => name?.startsWith(`${runId}-`)).map(String)
}

export async function linksOf(runId: string): Promise<string[]> {
  const links = JSON.parse(await must('ip', ['-json', 'link'])) as { ifname: string }[]
  return links.map(({ ifname }) => ifname).filter((name) => name === runId)
}

const ip = (...lines: readonly string[]) =>
  must('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` })

const ipIn = (netns: string, ...lines: readonly string[]) =>
  must('ip', ['-n', netns, '-batch', '-'], { input: `${lines.join('\n')}\n` })

export const inNetns = (netns: string, command: string) =>
  must('nsenter', [`--net=/run/netns/${netns}`, ...command.split(' ')])
