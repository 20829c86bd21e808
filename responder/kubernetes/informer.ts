/** One list and watch of custom objects, kept alive: errors are told, and tried again after a while. */
import type { KubeConfig, KubernetesObject as ClientObject } from '@kubernetes/client-node'
import { messageOf } from '../errors.ts'

export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
}

export interface Informer extends AsyncDisposable {
  readonly objects: () => readonly ClientObject[]
  /** Why it does not hear the API server now; null while it does. */
  readonly problem: () => string | null
}

const retryMs = 1000

/** `onChange` also once the first list is there. Resolves when it is, or could not be had. */
export async function startInformer(
  config: KubeConfig,
  { group, version, plural }: Resource,
  onChange: () => void,
): Promise<Informer> {
  const { CustomObjectsApi, makeInformer } = await import('@kubernetes/client-node')
  const api = config.makeApiClient(CustomObjectsApi)
  let problem: string | null = null
  let timer: NodeJS.Timeout | undefined
  const informer = makeInformer<ClientObject>(
    config,
    `/apis/${group}/${version}/${plural}`,
    async () => {
      const list = await api.listClusterCustomObject({ group, version, plural })
      problem = null
      return list
    },
  )
  const failed = (error: unknown) => {
    problem = `${plural}.${group} cannot be watched: ${statusOf(error)}`
    clearTimeout(timer)
    timer = setTimeout(begin, retryMs)
  }
  const begin = () => {
    informer.start().then(onChange, failed)
  }
  informer.on('error', failed)
  informer.on('change', onChange)
  await informer.start()
  onChange()
  return {
    objects: () => informer.list(),
    problem: () => problem,
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer)
      await informer.stop()
    },
  }
}

/** The API server's own sentence, where it gave one; the client's error holds the whole answer. */
function statusOf(error: unknown): string {
  const body: unknown =
    typeof error === 'object' && error !== null && 'body' in error ? error.body : null
  const status: unknown = typeof body === 'string' && body.startsWith('{') ? JSON.parse(body) : body
  return typeof status === 'object' && status !== null && 'message' in status
    ? String(status.message)
    : (messageOf(error).split('\n', 1)[0] ?? '')
}
