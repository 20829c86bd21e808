/** Every action there is. Adding one is its file and its line here. */
import type { Action } from './action.ts'
import { annotatePod } from './annotate-pod.ts'
import { blockNetwork } from './block-network.ts'
import { capturePod } from './capture-pod.ts'
import { captureSnapshot } from './capture-snapshot.ts'
import { checkpointContainer } from './checkpoint-container.ts'
import { cordonNode } from './cordon-node.ts'
import { createJob } from './create-job.ts'
import { deletePod } from './delete-pod.ts'
import { deleteResource } from './delete-resource.ts'
import { drainNode } from './drain-node.ts'
import { evictPod } from './evict-pod.ts'
import { execInPod } from './exec-in-pod.ts'
import { freeze } from './freeze.ts'
import { getLogs } from './get-logs.ts'
import { isolatePod } from './isolate-pod.ts'
import { killProcess } from './kill-process.ts'
import { kubernetesEvent } from './kubernetes-event.ts'
import { labelNode } from './label-node.ts'
import { labelPod } from './label-pod.ts'
import { notifySecurityTeam } from './notify-security-team.ts'
import { notify } from './notify.ts'
import { quarantineFile } from './quarantine-file.ts'
import { revokeServiceAccountTokens } from './revoke-service-account-tokens.ts'
import { rolloutRestart } from './rollout-restart.ts'
import { rolloutUndo } from './rollout-undo.ts'
import { runProgram } from './run-program.ts'
import { scaleDownDeployment } from './scale-down-deployment.ts'
import { suspendCronjob } from './suspend-cronjob.ts'
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
  getLogs,
  checkpointContainer,
  suspendCronjob,
  scaleDownDeployment,
  rolloutRestart,
  rolloutUndo,
  execInPod,
  createJob,
  revokeServiceAccountTokens,
  deleteResource,
]
