/** Builds the cluster's programs ahead of the tests: `node e2e/cluster/build-tools.ts`. */
import { clusterTools } from './tools.ts'

console.log((await clusterTools()).bin)
