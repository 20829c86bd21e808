/** Every action there is. Adding one is its file and its line here. */
import type { Action } from './action.ts'
import { annotatePod } from './annotate-pod.ts'
import { blockNetwork } from './block-network.ts'
import { capturePod } from './capture-pod.ts'
import { captureSnapshot } from './capture-snapshot.ts'
import { cordonNode } from './cordon-node.ts'
import { deletePod } from './delete-pod.ts'
import { drainNode } from './drain-node.ts'
import { evictPod } from './evict-pod.ts'
import { freeze } from './freeze.ts'
import { isolatePod } from './isolate-pod.ts'
import { killProcess } from './kill-process.ts'
import { kubernetesEvent } from './kubernetes-event.ts'
import { labelNode } from './label-node.ts'
import { labelPod } from './label-pod.ts'
import { notifySecurityTeam } from './notify-security-team.ts'
import { notify } from './notify.ts'
import { quarantineFile } from './quarantine-file.ts'
import { runProgram } from './run-program.ts'
import { scaleDownDeployment } from './scale-down-deployment.ts'
import { taintNode } from './taint-node.ts'
import { uncordonNode } from './uncordon-node.ts'

export const actions: readonly Action[] = [
  captureSnapshot,
  capturePod,
  notify,
  notifySecurityTeam,
  killProcess,
  freeze,
  blockNetwork,
  quarantineFile,
  runProgram,
  kubernetesEvent,
  labelPod,
  annotatePod,
  isolatePod,
  labelNode,
  deletePod,
  evictPod,
  cordonNode,
  uncordonNode,
  taintNode,
  drainNode,
  scaleDownDeployment,
]
