/** A pod with something of each kind to capture, and what was kept of it, taken out as an operator takes it out. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from '../cluster/cluster.ts'
import type { Pod, PodRequest } from '../cluster/pods.ts'
import type { Release } from './release.ts'

export const secret = 'not-to-be-shown'

/** Holds a file open, listens, drops one file, removes another, and pings `peer`: all of it by processes that stay. */
export const busyPod = (peer: string): Pick<PodRequest, 'command' | 'container'> => ({
  command: [
    'sh',
    '-c',
    `exec 3</etc/passwd; echo dropped >/etc/dropped; rm /etc/shadow
     nc -l -p 9999 </dev/null & exec ping -i 0.2 ${peer} >/dev/null`,
  ],
  container: { env: [{ name: 'DB_PASSWORD', value: secret }] },
})

export interface Captured {
  readonly text: (name: string) => Promise<string>
  readonly bytes: (name: string) => Promise<Buffer>
}

/** Into the /tmp of the responder's pod, which is a folder of its node. */
export async function takeOut(
  { api, nodes }: Pick<Cluster, 'api' | 'nodes'>,
  release: Release,
  step: string,
): Promise<Captured> {
  await release.riposte('evidence', 'get', step, '--to', '/tmp/case')
  const { items } = await api.get<{ items: readonly Pod[] }>(
    '/api/v1/namespaces/riposte/pods?labelSelector=app.kubernetes.io%2Fcomponent%3Dresponder',
  )
  const pod = items[0]
  const node = nodes.find(({ name }) => name === pod?.spec.nodeName)
  if (pod === undefined || node === undefined) throw new Error('no responder')
  const volumes = join(node.kubeletDir, 'pods', pod.metadata.uid, 'volumes')
  const bytes = (name: string) => readFile(join(volumes, 'kubernetes.io~empty-dir/tmp/case', name))
  return { bytes, text: async (name) => (await bytes(name)).toString() }
}
