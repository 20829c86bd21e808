/** CA certificates of all replicas in one ConfigMap, each under a key of its own; what nobody renews is taken away. */
import { z } from 'zod'
import { Conflict, TargetGone } from '../actions/errors.ts'
import type { Kubernetes, PatchOperation } from '../kubernetes/kubernetes.ts'

export interface CaPublication {
  readonly kubernetes: (signal: AbortSignal) => Pick<Kubernetes, 'get' | 'create' | 'patch'>
  /** `namespace/name` of the ConfigMap. */
  readonly configMap: string
  /** The replica's own: its pod's or host's name. */
  readonly host: string
  readonly nowMs: () => number
}

/** A replica publishes every six hours: who said nothing for two days is gone. */
const staleMs = 2 * 86_400_000
const timeoutMs = 10_000
/** Another replica may write at the same time. */
const tries = 5

const configMapSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).nullish(),
})

/** The value says when it was written: text before the first BEGIN is nothing to who reads certificates. */
const stamp = /^# riposte, (\S+)\n/

export const publishTo =
  ({ kubernetes, configMap, host, nowMs }: CaPublication) =>
  async (bundle: string): Promise<void> => {
    const [namespace = '', name = ''] = configMap.split('/')
    const api = kubernetes(AbortSignal.timeout(timeoutMs))
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name, uid: null }
    const key = keyOf(host)
    const value = `# riposte, ${new Date(nowMs()).toISOString()}\n${bundle}`
    const attempt = async (): Promise<void> => {
      const found = await findOrCreate()
      if (found === null) return
      const { metadata, data } = configMapSchema.parse(found)
      const operations: PatchOperation[] = [
        { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
        ...(data ? [] : [{ op: 'add' as const, path: '/data', value: {} }]),
        { op: 'add', path: `/data/${key}`, value },
        ...Object.entries(data ?? {})
          .filter(([other, written]) => other !== key && isStale(written, nowMs()))
          .map(([other]) => ({ op: 'remove' as const, path: `/data/${other}` })),
      ]
      await api.patch(reference, operations)
    }
    /** Null: it was made with what was to be written. */
    const findOrCreate = async () => {
      try {
        return await api.get(reference)
      } catch (error) {
        if (!(error instanceof TargetGone)) throw error
        const metadata = { namespace, name, labels: { 'app.kubernetes.io/part-of': 'riposte' } }
        const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { [key]: value } }
        return (await api.create(made)) === null ? api.get(reference) : null
      }
    }
    for (let left = tries - 1; ; left--)
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof Conflict) || left === 0) throw error
      }
  }

/** Only what a replica wrote itself is ever taken away: a CA that a person added says no time. */
function isStale(written: string, nowMs: number): boolean {
  const atMs = Date.parse(stamp.exec(written)?.[1] ?? '')
  return nowMs - atMs > staleMs
}

/** ConfigMaps take letters, digits, `-`, `_` and `.`; none of them means anything in a JSON pointer. */
const keyOf = (host: string) => host.replaceAll(/[^-._a-zA-Z0-9]/g, '-').slice(0, 253)
