/** Riposte as it is installed on a cluster, spoken to as its operators do: by `kubectl exec … riposte`. */
import { z } from 'zod'
import { type Alert, alertSchema } from '../../contract/alert.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { eventually } from './eventually.ts'

const listedSchema = z.array(z.looseObject({ id: z.string() }))
/** An alert with what was decided about it beside it. */
const explainedSchema = z.object(alertSchema.shape)
const heldSchema = z.array(
  z.looseObject({ id: z.string(), action: z.string(), status: z.string(), policy: z.string() }),
)

const keptSchema = z.array(
  z.looseObject({ stepId: z.string(), files: z.array(z.looseObject({ name: z.string() })) }),
)

export type Kept = z.infer<typeof keptSchema>[number]
export type Held = z.infer<typeof heldSchema>[number]

export class Release {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Standard output of the command in the responder's pod. */
  riposte(...argv: readonly string[]): Promise<string> {
    const pod = ['exec', '--namespace=riposte', 'deployment/riposte-responder', '--', 'riposte']
    return this.#cluster.kubectl([...pod, ...argv])
  }

  /** The first alert of the rule that fits, once the responder has it. */
  async alert(rule: string, fits: (alert: Alert) => boolean): Promise<Alert> {
    const known = new Map<string, Alert>()
    const look = async () => {
      const listed = await this.riposte('alerts', 'list', `--rule=${rule}`, '-n', '200', '-ojson')
      for (const { id } of listedSchema.parse(JSON.parse(listed)))
        if (known.get(id)?.place?.isPending !== false) known.set(id, await this.#explained(id))
      return [...known.values()]
    }
    const found = await eventually(look, (alerts) => alerts.some(fits), 30_000)
    return found.find(fits) ?? Promise.reject(new Error('it was there'))
  }

  async #explained(id: string): Promise<Alert> {
    return explainedSchema.parse(JSON.parse(await this.riposte('alerts', 'explain', id, '-ojson')))
  }

  async approvals(): Promise<Held[]> {
    return heldSchema.parse(JSON.parse(await this.riposte('approvals', 'list', '-ojson')))
  }

  /** What steps of the case's action kept, newest first. */
  async evidence(): Promise<Kept[]> {
    return keptSchema.parse(
      JSON.parse(await this.riposte('evidence', 'list', '-n', '200', '-ojson')),
    )
  }

  async containments(): Promise<Held[]> {
    return heldSchema.parse(JSON.parse(await this.riposte('containments', 'list', '-ojson')))
  }
}
