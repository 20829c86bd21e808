/** The cluster of the tests for a person: `npm run cluster`. Ends, with everything of it, on Ctrl-C. */
import { clusterReason } from '../../scripts/cluster-reason.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { references } from './images.ts'
import { installRiposte } from './install.ts'

const help = `npm run cluster: a real Kubernetes of two nodes on this machine, with Riposte in it

It takes root, Go 1.26 and the packages that npm test installs. The first start builds Kubernetes (5 to 9 minutes); then
it is up in under a minute. Ctrl-C takes everything away again.`

const say = (line: string) => process.stderr.write(`cluster: ${line}\n`)

if (process.argv.includes('--help') || process.argv.includes('-h')) console.log(help)
else process.exitCode = await play()

async function play(): Promise<number> {
  const reason = clusterReason()
  if (reason !== undefined) {
    say(`cannot be started here: ${reason}`)
    return 1
  }
  // From the first moment: a Ctrl-C while it starts is one too.
  const asked = new Promise<void>((resume) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resume)
  })
  await using cluster = await startCluster({ say })
  say(await installRiposte(cluster))
  console.log(usage(cluster, await cluster.kubectl(['get', 'nodes', '-o', 'wide'])))
  const waiting = setInterval(() => undefined, 60_000)
  await asked
  clearInterval(waiting)
  say('taking it away')
  return 0
}

function usage({ kubeconfig, bin }: Cluster, nodes: string): string {
  return `
${nodes}
In another terminal:

  export KUBECONFIG=${kubeconfig.path} PATH=${bin}:$PATH
  kubectl get pods -A
  kubectl run shell --image=${references.busybox} --image-pull-policy=Never -it --rm -- sh

Images come from this machine alone: there is no registry. Ctrl-C ends the cluster.`
}
