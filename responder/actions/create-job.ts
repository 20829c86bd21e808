import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import type { Kubernetes, ObjectReference } from '../kubernetes/kubernetes.ts'
import { fieldOrText } from '../kubernetes/label-values.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { action, type Call } from './action.ts'
import { ActionRefused, Conflict, TargetGone } from './errors.ts'

const stepKey = 'riposte.dev/step'
const effectSchema = z.object({ job: referenceSchema, step: z.string() })

const parameters = z.strictObject({
  template: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]{0,50}[a-z0-9])?$/, 'must be the name of a CronJob')
    .describe("CronJob in Riposte's own namespace whose Job is made; it may be suspended"),
  env: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), z.string().max(4096))
    .default({})
    .describe('name → value or %field; its containers see it as RIPOSTE_<name>'),
  ttlSeconds: z
    .int()
    .min(0)
    .max(604_800)
    .default(3600)
    .describe('how long the finished Job is kept'),
})

export const createJob = action({
  name: 'create_job',
  summary:
    "Makes a Job from a CronJob in Riposte's own namespace, as `kubectl create job --from` does, with fields of the alert in its environment.",
  risk: 'disrupt',
  target: 'case',
  parameters,
  capabilities: [],
  rbac: [
    { apiGroups: ['batch'], resources: ['cronjobs'], verbs: ['get'] },
    { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'create', 'delete'] },
  ],
  undoes: 'deletes the Job with its pods',

  async plan(call) {
    const { kubernetes, parameters: given, stepId } = call
    const job = await jobOf(call)
    const made = await kubernetes.create(job, { isDryRun: true })
    const what = nameOf({ kind: 'Job', ...job.metadata })
    if (made === null) return { kind: 'already_done', detail: `${what} is there` }
    const fields = Object.keys(given.env).join(', ')
    const told = fields === '' ? '' : ` and tell it ${fields}`
    const detail = `create ${what} from cronjob ${given.template}${told}`
    const reference = { ...referenceTo(made), uid: null }
    return { kind: 'change', detail, effect: { job: reference, step: stepId } }
  },

  async run(call, given) {
    const { step } = effectSchema.parse(given)
    const job = await jobOf(call)
    const made = await call.kubernetes.create(job)
    const { namespace, name } = job.metadata
    const reference = { apiVersion: 'batch/v1', kind: 'Job', namespace, name, uid: null }
    const found = made ?? (await call.kubernetes.get(reference))
    if (found.metadata.annotations?.[stepKey] !== step)
      throw new Conflict(`${nameOf(reference)} is there already and is not of this step`)
    const detail = `created ${nameOf(reference)} from cronjob ${call.parameters.template}`
    return { detail, effect: { job: referenceTo(found), step } }
  },

  /** It is there; what it does is its own affair. */
  verify: ({ kubernetes }, given) => isThere(kubernetes, effectSchema.parse(given).job),

  async undo({ kubernetes }, given) {
    const { job, step } = effectSchema.parse(given)
    if (!(await isThere(kubernetes, job)))
      return { detail: `${nameOf(job)} is gone already`, effect: { job, step } }
    await kubernetes.delete(job, { propagation: 'Background' })
    return { detail: `deleted ${nameOf(job)}`, effect: { job, step } }
  },
})

const cronJobSchema = z.looseObject({
  spec: z.looseObject({
    jobTemplate: z.looseObject({
      metadata: z
        .looseObject({ labels: z.record(z.string(), z.string()).default({}) })
        .prefault({}),
      spec: z.looseObject({
        template: z.looseObject({
          spec: z.looseObject({
            containers: z.array(
              z.looseObject({ env: z.array(z.looseObject({ name: z.string() })).default([]) }),
            ),
            initContainers: z
              .array(
                z.looseObject({ env: z.array(z.looseObject({ name: z.string() })).default([]) }),
              )
              .default([]),
          }),
        }),
      }),
    }),
  }),
})
type Container = z.infer<
  typeof cronJobSchema
>['spec']['jobTemplate']['spec']['template']['spec']['containers'][number]

/** Its name is the step's, so that a second attempt finds it there. Nobody owns it: the CronJob's history leaves it alone. */
async function jobOf({
  kubernetes,
  alert,
  parameters: given,
  stepId,
  caseId,
}: Call<z.infer<typeof parameters>>) {
  const { namespace } = kubernetes.own
  if (namespace === null)
    throw new ActionRefused('there are no templates: Riposte has no namespace of its own here')
  const { template, env, ttlSeconds } = given
  const cronJob = await kubernetes.get({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    namespace,
    name: template,
    uid: null,
  })
  const { metadata, spec } = cronJobSchema.parse(cronJob).spec.jobTemplate
  const variables = variablesOf(env, alert)
  const pod = spec.template.spec
  const told = (containers: readonly Container[]) =>
    containers.map((container) => ({ ...container, env: withVariables(container.env, variables) }))
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${template.slice(0, 40)}-${stepId.slice(0, 16)}`.toLowerCase(),
      namespace,
      labels: metadata.labels,
      annotations: { [stepKey]: stepId, 'riposte.dev/case': caseId },
    },
    spec: {
      ...spec,
      ttlSecondsAfterFinished: ttlSeconds,
      template: {
        ...spec.template,
        spec: {
          ...pod,
          containers: told(pod.containers),
          initContainers: told(pod.initContainers),
        },
      },
    },
  }
}

interface Variable {
  readonly name: string
  readonly value: string
}

function variablesOf(env: Readonly<Record<string, string>>, alert: Alert): readonly Variable[] {
  return Object.entries(env).map(([name, text]) => {
    const value = fieldOrText(text, alert)
    if (value === undefined) throw new ActionRefused(`the alert has no value for ${text}`)
    // The kubelet replaces $(NAME) in a value by another variable's, a Secret's too: $$ is a dollar.
    // A NUL would end the value, and the API takes none.
    return { name: `RIPOSTE_${name}`, value: value.replaceAll('$', '$$$$').replaceAll('\0', '') }
  })
}

const withVariables = (
  env: Container['env'],
  variables: readonly Variable[],
): readonly { readonly name: string }[] => [
  ...env.filter(({ name }) => variables.every((variable) => variable.name !== name)),
  ...variables,
]

async function isThere(kubernetes: Kubernetes, job: ObjectReference): Promise<boolean> {
  try {
    await kubernetes.get(job)
    return true
  } catch (error) {
    if (error instanceof TargetGone) return false
    throw error
  }
}
