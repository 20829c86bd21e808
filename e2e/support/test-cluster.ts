import type { ControlPlaneOptions } from '../cluster/control-plane.ts'
import { TestCluster } from './kubernetes.ts'
import { share } from './shared.ts'

/** A cluster of the file's own, for tests that need a `cluster`. */
export function testCluster(options: ControlPlaneOptions = {}): TestCluster {
  const cluster = new TestCluster()
  share(['cluster'], async (stack) => {
    stack.use(cluster)
    await cluster.start(options)
  })
  return cluster
}
