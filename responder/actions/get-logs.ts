import { z } from 'zod'
import { containersOf } from '../kubernetes/containers.ts'
import type { Kubernetes, ObjectReference } from '../kubernetes/kubernetes.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { referenceOf } from '../kubernetes/references.ts'
import type { Kept as StoredKept } from '../evidence/evidence.ts'
import { action } from './action.ts'
import { ActionFailed, ActionRefused, Conflict, TargetGone } from './errors.ts'
import { keepText, type Kept } from './kept-text.ts'

const effectSchema = z.object({
  reference: referenceSchema,
  /** Those of before the last restart apart. */
  logs: z.array(z.object({ container: z.string(), isPrevious: z.boolean() })),
})
/** Beyond it the beginning of what was asked for is read; the end of that is kept. */
const readBytes = 4 << 20

export const getLogs = action({
  name: 'get_logs',
  summary:
    'Keeps the last lines that the containers of the pod wrote: init and ephemeral ones too, and what was written before the last restart.',
  risk: 'observe',
  target: 'pod',
  parameters: z.strictObject({
    lines: z.int().min(1).max(100_000).default(500).describe('last lines of each container'),
    maxBytes: z
      .int()
      .min(0)
      .max(1_048_576)
      .default(65_536)
      .describe('without a store of evidence, what the ledger keeps of each: the end of it'),
  }),
  capabilities: [],
  rbac: [
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  ],
  undoes: null,

  async plan({ kubernetes, target, alert }) {
    const pod = await kubernetes.get(referenceOf(target, alert))
    const logs = containersOf(pod).flatMap(({ name: container, wasRestarted }) => [
      { container, isPrevious: false },
      ...(wasRestarted ? [{ container, isPrevious: true }] : []),
    ])
    const names = logs.map(logName).join(', ')
    const detail = `keep the last lines of ${target.name}: ${names}`
    return { kind: 'change', detail, effect: { reference: referenceTo(pod), logs } }
  },

  async run({ kubernetes, parameters, evidence }, given) {
    const { reference, logs } = effectSchema.parse(given)
    // Throws TargetGone.
    await kubernetes.get(reference)
    const kept: Record<string, Kept | StoredKept> = {}
    const missing: string[] = []
    for (const log of logs) {
      const name = logName(log)
      const { text, reason } = await readLog(kubernetes, reference, log, parameters.lines)
      if (text === null) missing.push(`; ${name}: ${reason}`)
      else
        kept[name] =
          (await evidence.put(`${name}.log`, text)) ?? keepText(text, parameters.maxBytes)
    }
    // A pod's name can be taken by another between two requests, its UID cannot.
    await kubernetes.get(reference)
    const bytes = Object.values(kept).reduce((sum, one) => sum + one.bytes, 0)
    const count = Object.keys(kept).length
    const detail = `read ${bytes} bytes of ${count} logs of ${nameOf(reference)}${missing.join('')}`
    return { detail, effect: { reference, logs, kept } }
  },
})

type Log = z.infer<typeof effectSchema>['logs'][number]
const logName = ({ container, isPrevious }: Log) =>
  isPrevious ? `${container} (previous)` : container

interface Missing {
  readonly text: null
  readonly reason: string
}

/** A container that has not begun, or whose log is rotated away, has none: a reason instead. */
async function readLog(
  kubernetes: Kubernetes,
  reference: ObjectReference,
  { container, isPrevious }: Log,
  lines: number,
): Promise<{ readonly text: string; readonly reason: null } | Missing> {
  const query = new URLSearchParams({
    container,
    previous: String(isPrevious),
    tailLines: String(lines),
    limitBytes: String(readBytes),
    timestamps: 'true',
  })
  const path = `${await kubernetes.pathOf(reference, 'log')}?${query.toString()}`
  try {
    const text = await kubernetes.request('GET', path, undefined, { isText: true })
    return { text: String(text), reason: null }
  } catch (error) {
    // Of the pod itself that it is gone is found afterwards; its node may be gone as well.
    const isGone = error instanceof TargetGone
    const isMissing = error instanceof ActionRefused && !(error instanceof Conflict)
    const isLost = error instanceof ActionFailed && !error.retryable
    if (isGone || isMissing || isLost) return { text: null, reason: error.message }
    throw error
  }
}
