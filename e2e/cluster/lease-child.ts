/** Starts what it is told, with a pod where there are nodes, says the run's name and waits to be killed: lease.test.ts. */
import { startCluster } from './cluster.ts'
import { startControlPlane } from './control-plane.ts'

if (process.argv[2] === 'cluster') {
  const cluster = await startCluster()
  await cluster.runPod({ name: 'left-behind' })
  console.log(`run ${cluster.runId}`)
} else {
  const controlPlane = await startControlPlane()
  console.log(`run ${controlPlane.runId}`)
}
// The components are not waited for.
setInterval(() => undefined, 60_000)
