/** The product on a cluster, for a person to play with. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Cluster } from './cluster.ts'

const chart = resolve(import.meta.dirname, '../../charts/riposte')

/** Installs the chart, with its defaults, where there is one. Says in a line what it did. */
export async function installRiposte(cluster: Cluster): Promise<string> {
  if (!existsSync(join(chart, 'Chart.yaml')))
    return 'there is no chart yet: Riposte is not installed'
  const release = ['upgrade', '--install', 'riposte', chart, '--namespace', 'riposte']
  await cluster.helm([...release, '--create-namespace', '--wait', '--timeout', '3m'])
  return 'Riposte is installed in the namespace riposte, with the defaults of the chart: in audit'
}
