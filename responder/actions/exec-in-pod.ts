import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import { containerSchema, runningContainer } from '../kubernetes/containers.ts'
import { fieldOrText } from '../kubernetes/label-values.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { action } from './action.ts'
import { ActionRefused, Forbidden } from './errors.ts'
import { keepText, keptSchema } from './kept-text.ts'

const plannedSchema = z.object({
  reference: referenceSchema,
  container: z.string(),
  argv: z.array(z.string()),
})
const doneSchema = plannedSchema.extend({
  exitCode: z.int(),
  stdout: keptSchema,
  stderr: keptSchema,
})

export const execInPod = action({
  name: 'exec_in_pod',
  summary:
    "Runs a program of the container's own in it, never through a shell, under a deadline, its output kept. What is there was the attacker's to change.",
  risk: 'disrupt',
  target: 'pod',
  parameters: z.strictObject({
    argv: z
      .array(z.string().min(1).max(4096))
      .min(1)
      .max(64)
      .describe('program and arguments; an element that is a %field becomes its value, whole'),
    container: containerSchema,
    timeoutMs: z
      .int()
      .min(100)
      .max(600_000)
      .default(30_000)
      .describe('after it the connection is cut; the program may go on'),
    maxBytes: z.int().min(0).max(1_048_576).default(65_536).describe('what is kept of its output'),
  }),
  capabilities: [],
  rbac: [
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    { apiGroups: [''], resources: ['pods/exec'], verbs: ['get', 'create'] },
  ],
  undoes: null,

  async plan({ kubernetes, target, alert, parameters }) {
    const pod = await kubernetes.get(referenceOf(target, alert))
    const container = runningContainer(pod, alert, parameters.container)
    const argv = parameters.argv.map((argument) => valueOf(argument, alert))
    const reference = referenceTo(pod)
    const { namespace } = reference
    // The API has no dry run for it; this is the question that it would ask.
    const right = { verb: 'create', apiGroup: '', resource: 'pods/exec', namespace } as const
    if (!(await kubernetes.can(right)))
      throw new Forbidden(`no right to create pods/exec in ${namespace ?? 'the cluster'}`)
    const detail = `run ${JSON.stringify(argv)} in container ${container} of ${target.name}`
    return { kind: 'change', detail, effect: { reference, container, argv } }
  },

  async run({ kubernetes, parameters: { timeoutMs, maxBytes } }, given) {
    const { reference, container, argv } = plannedSchema.parse(given)
    const executed = await kubernetes.exec(reference, { container, argv, timeoutMs, maxBytes })
    const { exitCode, isCut } = executed
    const effect = {
      reference,
      container,
      argv,
      exitCode,
      stdout: keepText(executed.stdout, maxBytes),
      stderr: keepText(executed.stderr, maxBytes),
    }
    const cut = isCut ? `, of its output ${maxBytes} bytes are kept` : ''
    const where = `container ${container} of ${nameOf(reference)}`
    return { detail: `${argv[0]} in ${where} ended with ${exitCode}${cut}`, effect }
  },

  verify: (_call, effect) => Promise.resolve(doneSchema.parse(effect).exitCode === 0),
})

function valueOf(argument: string, alert: Alert): string {
  const value = fieldOrText(argument, alert)
  if (value === undefined) throw new ActionRefused(`the alert has no value for ${argument}`)
  return value
}
