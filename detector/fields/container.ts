/** container.*: which container, from the cgroup; what else is known of it comes from its runtime. */
import type { Field, FieldValue } from './index.ts'
import type { Process } from '../state/process.ts'
import { processRow } from './row.ts'

/** On the host it is `host`; of a container it is missing until its runtime has told. */
const hostOnly = (process: Process): FieldValue =>
  process.containerId === 'host' ? 'host' : undefined

export const containerFields: readonly Field[] = [
  processRow(
    'container.id',
    'string',
    'first 12 characters of its id; host outside',
    (process) => process.containerId,
  ),
  processRow('container.full_id', 'string', 'the whole id', (process) => {
    if (process.containerId === undefined) return undefined
    return process.fullContainerId === '' ? 'host' : process.fullContainerId
  }),
  processRow('container.name', 'string', 'name of the container', hostOnly),
]
