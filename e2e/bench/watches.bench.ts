/**
 * What the pod watches of 1,000 nodes' detectors ask of one real API server, and get: the detector's own code a thousand
 * times in one process, one pod a node. Counts, not times: it fails when a list or watch is not of one node alone.
 */
import { subscribe } from 'node:diagnostics_channel'
import { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { fromKubeconfig } from '../../detector/containers/kubernetes/access.ts'
import { Api as DetectorApi } from '../../detector/containers/kubernetes/api.ts'
import { PodWatch } from '../../detector/containers/kubernetes/pod-watch.ts'
import { clusterReason } from '../../scripts/cluster-reason.ts'
import type { Api } from '../cluster/api.ts'
import { startControlPlane, type ControlPlane } from '../cluster/control-plane.ts'
import { podRequestsOf } from '../support/audit-log.ts'
import { eventually } from '../support/eventually.ts'
import { podOf } from '../support/kubernetes.ts'
import { printMachine, printTable } from './table.ts'

const nodes = 1000
const atOnce = 40
const patienceMs = 180_000
const podPath = '/api/v1/namespaces/default/pods'

/** Sockets of the detectors, for what came in on them; the bench's own requests have another agent name. */
const sockets = new Set<Socket>()
subscribe('http.client.request.start', (message) => {
  const request: unknown =
    typeof message === 'object' && message !== null && 'request' in message ? message.request : null
  if (!(request instanceof ClientRequest)) return
  if (request.getHeader('user-agent') !== 'riposte-detector') return
  if (request.socket !== null) sockets.add(request.socket)
})
const bytesIn = () => [...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, 0)

async function inTurns(work: (index: number) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < nodes; start += atOnce)
    await Promise.all(Array.from({ length: Math.min(atOnce, nodes - start) }, (_, more) => work(start + more))) // prettier-ignore
}

const makePod = (api: Api, index: number) =>
  api.request('POST', podPath, podOf(`pod-${index}`, { app: 'web' }, { nodeName: `node-${index}` }))

const changePod = (api: Api, index: number) =>
  api.request('PATCH', `${podPath}/pod-${index}`, { metadata: { labels: { app: 'changed' } } })

/** The sum over all label sets of the API server's metric that have these labels. */
async function metric(api: Api, name: string, ...labels: readonly string[]): Promise<number> {
  const text = await api.get<string>('/metrics')
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

const kib = (bytes: number) => (bytes / 1024).toFixed(bytes < 10_240 ? 2 : 0)

/** Throws when a detector asked for more than its own node's pods. */
async function checkRequests({ auditLogPath }: ControlPlane) {
  const requests = await podRequestsOf(auditLogPath)
  const unfiltered = requests.filter(({ isOfOneNode }) => !isOfOneNode)
  if (unfiltered.length > 0)
    throw new Error(`${unfiltered.length} requests are not of one node: ${unfiltered[0]?.uri}`)
  const count = (verb: string) => requests.filter((request) => request.verb === verb).length
  return { lists: count('list'), watches: count('watch') }
}

async function main() {
  const reason = clusterReason()
  if (reason !== undefined) return console.log(`skipped: ${reason}`)
  printMachine()
  await using controlPlane = await startControlPlane({
    apiserverArguments: ['--disable-admission-plugins=ServiceAccount'],
  })
  const { api, kubeconfig } = controlPlane
  await inTurns((index) => makePod(api, index))
  const access = fromKubeconfig(kubeconfig.path)
  let told = 0
  const watches = Array.from(
    { length: nodes },
    (_, index) =>
      new PodWatch({
        api: new DetectorApi(access),
        node: `node-${index}`,
        random: () => index / nodes,
        onPod: () => told++,
      }),
  )
  await using stack = new AsyncDisposableStack()
  for (const watch of watches) stack.defer(() => watch.stop())
  await inTurns((index) => watches[index]?.start() ?? Promise.resolve())
  await eventually(
    () => Promise.resolve(watches.filter(({ isInSync }) => !isInSync).length),
    (away) => away === 0,
    patienceMs,
  )
  const atStart = { bytes: bytesIn(), told, ...(await checkRequests(controlPlane)) }
  const open = await metric(api, 'apiserver_longrunning_requests', 'resource="pods"', 'verb="WATCH"') // prettier-ignore
  const listed = await metric(api, 'apiserver_response_sizes_sum', 'resource="pods"', 'verb="LIST"') // prettier-ignore

  await inTurns((index) => changePod(api, index))
  await eventually(
    () => Promise.resolve(told - atStart.told),
    (changes) => changes >= nodes,
    patienceMs,
  )
  const after = { bytes: bytesIn(), told, ...(await checkRequests(controlPlane)) }
  const everything = JSON.stringify(await api.get('/api/v1/pods')).length
  const row = (name: string, sum: { bytes: number; told: number; lists: number; watches: number }) => [
    name,
    String(sum.lists),
    String(sum.watches),
    String(sum.told),
    kib(sum.bytes),
    kib(sum.bytes / nodes),
  ] // prettier-ignore
  printTable(
    ['', 'lists', 'watches', 'pods told', 'KiB in', 'KiB a node'],
    [
      row(`start of ${nodes} detectors, ${nodes} pods`, atStart),
      row(`a change of each pod`, {
        bytes: after.bytes - atStart.bytes,
        told: after.told - atStart.told,
        lists: after.lists - atStart.lists,
        watches: after.watches - atStart.watches,
      }),
    ],
  )
  console.log(
    `\nBy the API server: ${open} watches of pods open (its own among them), lists of pods ${kib(listed)} KiB.`,
  )
  console.log('No list and no watch without spec.nodeName= stands in its audit log.')
  console.log(`Unfiltered, each detector would begin with ${kib(everything)} KiB: ${((everything * nodes) / atStart.bytes).toFixed(0)} times as much in all, and be told ${nodes} times as many changes.`) // prettier-ignore
}

await main()
