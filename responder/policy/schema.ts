/** The policy documents as operators write them; what zod reads is what the responder works with. */
import { z } from 'zod'
import { priorities } from '../../contract/alert.ts'
import { riskClasses } from '../actions/action.ts'
import { duration, objectName, strict, word } from './strict.ts'
import { labelSelectorSchema, workloadsSchema } from './workloads.ts'

const apiVersion = 'riposte.dev/v1alpha1'
/** From least to most: where several apply, the least holds. */
export const modes = ['off', 'audit', 'enforce'] as const
export type Mode = (typeof modes)[number]

const text = z.string().min(1)
const amount = z.int().min(1)
const risk = word('risk class', riskClasses)

/** Falco's priorities in any case; `Info` and `Warn` are the short forms that Falco's own configuration takes. */
const priority = z
  .string()
  .transform((given) => priorities.find((known) => sameWord(known, given)) ?? given)
  .pipe(word('priority', priorities))

const sameWord = (known: string, given: string) =>
  known.toLowerCase() === given.toLowerCase() ||
  (given.length >= 4 && known.toLowerCase().startsWith(given.toLowerCase()))

/** `kill_process`, or `kill_process: { scope: tree }`. Names and parameters are checked against the actions later. */
const doItem = z.union([text, z.record(z.string(), z.unknown())], {
  error: 'must be an action name, or one action name with its parameters',
})

const approve = strict({
  quorum: amount.default(1).describe('how many different people must approve'),
  from: z
    .array(z.union([strict({ user: text }), strict({ group: text })]))
    .default([])
    .describe('who may approve; empty: anybody who can log in'),
  notAllowed: z.array(word('person', ['event.subject', 'policy.lastEditor'])).default([]),
  reason: word('choice', ['required', 'optional']).default('optional'),
  timeout: duration.prefault('15m').describe('after this nothing happens any more'),
  onTimeout: word('choice', ['deny']).default('deny'),
  hold: text.optional().describe('the earlier rung whose containment stays while people think'),
  channels: z.array(text).default([]).describe('notifiers that are told of the question'),
})

const undo = strict({
  ttl: duration.describe('the effect is undone after this'),
  onExpiry: word('choice', ['revert', 'keep']).default('revert'),
})

const rung = strict({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]*$/, { error: 'must be lower case letters, digits and _' })
    .describe('what conditions of later rungs call it'),
  from: word('origin', ['rule'])
    .optional()
    .describe("rule: also the actions of the rule's own `actions:`"),
  when: text
    .optional()
    .describe('condition over case.count, case.age, case.priority, rung.<name>.status'),
  always: z.boolean().default(false).describe('runs whatever became of the rungs before it'),
  do: z.array(doItem).default([]),
  approve: approve.optional(),
  undo: undo.optional(),
  required: z.boolean().default(false).describe('later rungs wait for this one'),
  deadline: duration.optional().describe('the steps of this rung must begin within this time'),
})

const cap = strict({
  actions: amount,
  per: duration,
  classes: z.array(risk).default(['contain', 'disrupt', 'destroy']),
})
const caps = strict({
  perTarget: cap.optional(),
  perNode: cap.optional(),
  perNamespace: cap.optional(),
  perWorkload: cap.optional().describe('acts on all pods of one Deployment, StatefulSet, …'),
  global: cap.optional(),
})

export const fuseSchema = strict({ max: amount, per: duration })

export const correlateBy = [
  'target',
  'pod',
  'workload',
  'namespace',
  'rule',
  'node',
  'policy',
] as const

const policySpec = strict({
  description: z.string().default(''),
  mode: word('mode', modes).default('audit'),
  match: strict({
    rules: strict({
      names: z.array(text).default([]),
      tags: z.array(text).default([]),
      minPriority: priority.nullable().default(null),
      source: text.nullable().default(null),
    }).prefault({}),
    condition: text.nullable().default(null).describe("rule language over the alert's fields"),
    workloads: workloadsSchema.optional().describe('only alerts about these pods'),
  }),
  correlate: strict({
    by: z.array(word('key', correlateBy)).min(1).default(['target', 'rule']),
    window: duration.prefault('15m').describe('alerts that come later begin a new case'),
    cooldown: duration
      .prefault('1m')
      .describe('the same action on the same target is not repeated within this'),
  }).prefault({}),
  ladder: z.array(rung).min(1),
  limits: caps.prefault({}),
  fuse: fuseSchema
    .prefault({ max: 5, per: '1m' })
    .describe('more kills than this open the fuse: audit until reset'),
})

const guardSpec = strict({
  protected: strict({
    processes: z
      .array(text)
      .default([])
      .describe('names or absolute executable paths never acted on'),
    paths: z.array(text).default([]).describe('files and directories that are never moved'),
    namespaces: z.array(text).default([]).describe('nothing in them is acted on'),
    selectors: z.array(labelSelectorSchema).default([]).describe('pods that are not acted on'),
    priorityClasses: z.array(text).default([]).describe('pods of these classes neither'),
    nodes: z.array(text).default([]).describe('nodes that are never cordoned, tainted or drained'),
  }).prefault({}),
  minApprovals: z.partialRecord(risk, z.int().nonnegative()).default({}),
  caps: caps.prefault({}),
  killSwitch: z.boolean().default(false).describe('true: nothing above notify runs'),
})

const metadata = strict({
  name: objectName,
  namespace: objectName.optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
})

const version = z.literal(apiVersion, { error: `must be ${apiVersion}` })
export const kinds = ['ResponsePolicy', 'ClusterResponsePolicy', 'ResponseGuard'] as const

/** By `kind`, so that a mistake is judged against the one document that was meant. */
export const documentSchemas = {
  ResponsePolicy: strict({
    apiVersion: version,
    kind: z.literal('ResponsePolicy'),
    metadata,
    spec: policySpec,
  }),
  ClusterResponsePolicy: strict({
    apiVersion: version,
    kind: z.literal('ClusterResponsePolicy'),
    metadata,
    spec: policySpec,
  }),
  ResponseGuard: strict({
    apiVersion: version,
    kind: z.literal('ResponseGuard'),
    metadata,
    spec: guardSpec,
  }),
} as const

export type PolicyDocument = z.infer<
  typeof documentSchemas.ResponsePolicy | typeof documentSchemas.ClusterResponsePolicy
>
export type GuardDocument = z.infer<typeof documentSchemas.ResponseGuard>
export type RungSpec = z.infer<typeof rung>
export type Caps = z.infer<typeof caps>
