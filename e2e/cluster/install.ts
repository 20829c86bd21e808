/** The product on a cluster: its images on both nodes, its chart by helm. */
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { writeProductImage } from '../../scripts/image/product.ts'
import { writeRedisImage } from '../../scripts/image/redis.ts'
import type { Cluster } from './cluster.ts'

export const chart = resolve(import.meta.dirname, '../../charts/riposte')

const registry = 'riposte.test'
const redisTag = 'debian'

/** What a cluster without a registry needs to be told, and without volumes; everything else is the chart's default. */
const placeValues = {
  image: { registry, pullPolicy: 'Never' },
  redis: { image: { registry, repository: 'redis', tag: redisTag, pullPolicy: 'Never' } },
  responder: { persistence: { enabled: false } },
} as const

/** `helm` and what comes after `upgrade --install riposte CHART`. */
export const releaseArguments = (values: object = {}): readonly string[] => [
  '--namespace=riposte',
  ...Object.entries(merge(placeValues, values)).map(
    ([key, value]) => `--set-json=${key}=${JSON.stringify(value)}`,
  ),
]

/** Made from this checkout; a few seconds each. */
export async function importProduct(cluster: Cluster): Promise<void> {
  const version = '0.1.0'
  for (const [name, tag, write] of [
    ['riposte', version, writeProductImage],
    ['redis', redisTag, writeRedisImage],
  ] as const) {
    const archive = join(cluster.folder, `${name}.tar`)
    await write(archive, `${registry}/${name}:${tag}`)
    await cluster.importImage(archive)
    await rm(archive)
  }
}

/** Images and chart; resolves when every pod is ready. Says in a line what it did. */
export async function installRiposte(cluster: Cluster, values: object = {}): Promise<string> {
  await importProduct(cluster)
  const release = ['upgrade', '--install', 'riposte', chart, ...releaseArguments(values)]
  await cluster.helm([...release, '--create-namespace', '--wait', '--timeout=3m'])
  return 'Riposte is installed in the namespace riposte, with the defaults of the chart: in audit'
}

/** Maps are laid over each other, everything else is replaced. */
function merge(under: object, over: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key]
    merged[key] = isMap(below) && isMap(value) ? merge(below, value) : value
  }
  return merged
}

const isMap = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
