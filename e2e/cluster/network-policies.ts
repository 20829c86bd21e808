/** NetworkPolicies on a node: kube-network-policies judges packets that the kernel queues for it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from './command.ts'
import { Daemon, flags } from './daemon.ts'
import type { NodeAgentParts } from './kube-proxy.ts'
import { inNetns } from './network.ts'

const queue = 100
const toTheAgent = `--queue-num ${queue} --queue-bypass`
/**
 * Every packet on its way from who opened the connection, as each looks like the first to the agent: so an open
 * connection ends with a new policy too, and replies, which would look like connections of their own, are let through.
 */
const whatIsJudged = '-m conntrack --ctdir ORIGINAL'

export async function startNetworkPolicies(parts: NodeAgentParts): Promise<Daemon> {
  const { tools, pki, place, name, server, folder } = parts
  const kubeconfig = join(folder, 'kube-network-policies.kubeconfig')
  const subject = '/O=system:masters/CN=system:kube-network-policies'
  const issued = await pki.issue(`kube-network-policies-${name}`, subject)
  await writeFile(kubeconfig, await pki.kubeconfigOf(server, issued), { mode: 0o600 })
  if (!(await canQueueByNftables(place.netns)))
    await inNetns(place.netns, `iptables -w -A FORWARD ${whatIsJudged} -j NFQUEUE ${toTheAgent}`)
  const own = flags({
    kubeconfig,
    'hostname-override': name,
    'nfqueue-id': String(queue),
    'disable-nri': 'true',
    'metrics-bind-address': '127.0.0.1:9080',
  })
  return new Daemon('kube-network-policies', tools.path('kube-network-policies'), own, place)
}

/** Whether the kernel has NFT_QUEUE: where it has not, the agent's own rules are refused and iptables has to feed it. */
async function canQueueByNftables(netns: string): Promise<boolean> {
  const input = `table ip probe {
    chain forward { type filter hook forward priority 0; queue num ${queue}; }
  }`
  try {
    await must('nsenter', [`--net=/run/netns/${netns}`, 'nft', '--check', '--file', '-'], { input })
    return true
  } catch {
    // Refused: the answer asked for.
    return false
  }
}
