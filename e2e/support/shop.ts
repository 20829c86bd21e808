/** What is attacked on a cluster: a Deployment of one web pod, with others that it may reach. */
import type { Cluster } from '../cluster/cluster.ts'
import { references } from '../cluster/images.ts'
import type { Pod } from '../cluster/pods.ts'

const namespace = 'shop'
const port = '8080'
/** Not httpd: it makes the connection its standard streams, as a reverse shell does. */
const serve = ['sh', '-c', `while true; do nc -l -p ${port} < /etc/group; done`]
const listen = ['sh', '-c', 'while true; do echo id | nc -l -p 4444; done']
const webPods = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dweb`

const isUp = ({ metadata, status }: Pod): boolean =>
  metadata['deletionTimestamp'] === undefined &&
  (status.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True')

interface ShopPods {
  /** The first one of the Deployment. */
  readonly web: Pod
  /** On its node. */
  readonly neighbour: Pod
  /** On the other node. */
  readonly probe: Pod
  /** Where a reverse shell connects to, on port 4444. */
  readonly listener: Pod
}

export class Shop {
  readonly #cluster: Cluster
  readonly pods: ShopPods

  private constructor(cluster: Cluster, pods: ShopPods) {
    this.#cluster = cluster
    this.pods = pods
  }

  static async open(cluster: Cluster): Promise<Shop> {
    for (const name of [namespace, 'outside', 'riposte'])
      await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    await cluster.apply(deployment)
    const [web, neighbour, probe, listener] = await Promise.all([
      webPod(cluster),
      cluster.runPod({ name: 'neighbour', namespace, node: 'n2', command: serve }),
      cluster.runPod({ name: 'probe', namespace, node: 'n1', command: serve }),
      cluster.runPod({ name: 'listener', namespace: 'outside', node: 'n1', command: listen }),
    ])
    return new Shop(cluster, { web, neighbour, probe, listener })
  }

  /** The one that runs now. */
  webPod(): Promise<Pod> {
    return webPod(this.#cluster)
  }

  async untilNoWebPod(): Promise<void> {
    await this.#cluster.waitFor<{ items: readonly Pod[] }>(
      webPods,
      (found) => found?.items.length === 0,
    )
  }

  async replicas(): Promise<unknown> {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web`
    const { spec } = await this.#cluster.api.get<{ spec: { replicas: number } }>(path)
    return spec.replicas
  }

  /** Asked a few times, as the listener begins anew after each connection. */
  async canReach(from: Pod, to: Pod): Promise<boolean> {
    const ask = `for i in 1 2 3; do nc -w 1 ${to.status.podIP} ${port} < /dev/null | grep -q root && echo yes && break; done; true`
    return (await this.#cluster.exec(from, 'sh', '-c', ask)).trim() === 'yes'
  }

  /** What the shell of an attacker does in the web pod; its own exit code says nothing. */
  async attack(script: string): Promise<void> {
    await this.#cluster.exec(this.pods.web, 'sh', '-c', `{ ${script}; } >/dev/null 2>&1 || true`)
  }
}

async function webPod(cluster: Cluster): Promise<Pod> {
  const { items } = await cluster.waitFor<{ items: readonly Pod[] }>(webPods, (found) =>
    (found?.items ?? []).some(isUp),
  )
  const found = items.find(isUp)
  if (found === undefined) throw new Error('no web pod')
  return found
}

const container = {
  name: 'main',
  image: references.busybox,
  imagePullPolicy: 'Never',
  command: serve,
}
const template = {
  metadata: { labels: { app: 'web', tier: 'front' } },
  spec: {
    nodeSelector: { 'kubernetes.io/hostname': 'n2' },
    terminationGracePeriodSeconds: 0,
    containers: [container],
  },
}
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template },
}
