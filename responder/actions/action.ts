/** Shape of an action: one record, everything about it in one place. It knows no queue, approval or ledger. */
import type { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import type { Answer, Operation } from '../../contract/verdict.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { Kubernetes } from '../kubernetes/kubernetes.ts'
import type { VariantName } from './variants.ts'

/** From harmless to final. The class fixes default guards, privileges and whether an approval is needed. */
export const riskClasses = ['observe', 'notify', 'mark', 'contain', 'disrupt', 'destroy'] as const
export type Risk = (typeof riskClasses)[number]

/**
 * What an action acts on. process: the alert's, named by start time and boot, never by pid alone · pod: the one the
 * process runs in, or the object of an audit alert · workload: the last owner of that pod (Deployment, StatefulSet,
 * DaemonSet, ReplicaSet, Job, CronJob), or the object · node: where it runs · object: what an audit alert is about ·
 * case: the matter itself.
 */
export const targetKinds = ['process', 'pod', 'workload', 'node', 'object', 'case'] as const
export type TargetKind = (typeof targetKinds)[number]

/** What a step is about. */
export interface Target {
  readonly kind: TargetKind
  /** Stable across alerts about the same thing: `bootId/pid/startTimeNs`, a pod's UID, … */
  readonly uid: string
  /** For people: `bash (812) on node-a`, `pod shop/web-0`. */
  readonly name: string
  readonly node: string
  /** Null for what lives in no namespace. */
  readonly namespace: string | null
}

/** What `plan` found: nothing to do, or the change that `run` would make (shown as `would …` in audit). */
export type Planned =
  | { readonly kind: 'already_done'; readonly detail: string }
  | {
      readonly kind: 'change'
      readonly detail: string
      readonly effect: Effect
      /** What an approval is bound to, when that is not the whole effect. */
      readonly bound?: Effect
    }

/** JSON that `verify` and `undo` get back; kept in the ledger. */
export type Effect = Readonly<Record<string, unknown>>

export interface Done {
  readonly detail: string
  readonly effect: Effect
}

/** The node an alert came from: one order, one answer. Throws NodeUnavailable, TargetGone, ActionRefused (errors.ts). */
export interface NodeLink {
  ask(
    operation: Operation,
    action: string,
    parameters: Effect,
    effect: Effect | null,
  ): Promise<Answer>
}

export interface Call<Parameters> {
  readonly stepId: string
  readonly alert: Alert
  readonly caseId: string
  readonly target: Target
  readonly parameters: Parameters
  readonly node: NodeLink
  /** The API server. Throws ActionRefused where this responder has none; errors.ts otherwise. */
  readonly kubernetes: Kubernetes
  /** Where what this step takes is kept, also for who asks after the target is gone. */
  readonly evidence: Evidence
  /** Where people look at the case, for messages; null while the responder does not know its own address. */
  readonly link: string | null
  /** Aborts at the step's deadline. */
  readonly signal: AbortSignal
  /**
   * For `plan`: unless a gate says no, `run` follows at once, and the API server's own no comes then. Absent in audit and
   * where people are asked: what they are shown it has been asked, by dry run.
   */
  readonly willAct?: boolean
  readonly notify: Notify
}

/**
 * Hands a message to a notifier of the configuration, by name. `deliveryId` is the same each time the same message is
 * tried again, and receivers see it. Throws errors.ts: ActionFailed (retryable or not), ActionRefused.
 */
export type Notify = (notifier: string, message: Message, deliveryId: string) => Promise<void>

/** What people are told: the notifier renders it, escaping every field for its own medium. */
export interface Message {
  readonly title: string
  readonly text: string
  readonly severity: Alert['priority']
  readonly caseId: string
  readonly alert: Alert
  readonly link: string | null
}

/** What verifying found; `detail` says how, for people, and is added to the outcome's. */
export interface Seen {
  readonly isSeen: boolean
  readonly detail: string
}

export interface Action<Parameters extends z.ZodType<Effect> = z.ZodType<Effect>> {
  /** snake_case, what policies write. */
  readonly name: string
  /** One sentence for `riposte actions` and docs/reference/actions.md. */
  readonly summary: string
  readonly risk: Risk
  readonly target: Target['kind']
  readonly parameters: Parameters
  /** What the node's detector needs beyond BPF, PERFMON and SYS_PTRACE: `KILL`, `NET_ADMIN`, … */
  readonly capabilities: readonly string[]
  /** Kubernetes rights, from which the chart renders its Roles. */
  readonly rbac: readonly {
    readonly apiGroups: readonly string[]
    readonly resources: readonly string[]
    readonly verbs: readonly string[]
    /** Needed only for this variant. */
    readonly onlyWith?: VariantName
  }[]
  /** The node hands files over while it runs (evidence/from-nodes.ts). */
  readonly isEvidence?: boolean
  /** What undo does, for people; null exactly when there is no `undo`. */
  readonly undoes: string | null
  plan(call: Call<z.infer<Parameters>>): Promise<Planned>
  run(call: Call<z.infer<Parameters>>, effect: Effect): Promise<Done>
  /** True when the effect can be seen; an action without it is `done`, with it false is `done, not verified`. */
  verify?(call: Call<z.infer<Parameters>>, effect: Effect): Promise<boolean | Seen>
  /** Present exactly when the effect can be undone: then it is a containment with a TTL. */
  undo?(call: Call<z.infer<Parameters>>, effect: Effect): Promise<Done>
}

/** Keeps the parameter type of one action through the list of all of them. */
export const action = <Parameters extends z.ZodType<Effect>>(
  record: Action<Parameters>,
): Action<Parameters> => record
