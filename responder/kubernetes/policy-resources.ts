/**
 * Policies as objects of the API server. Each is checked by itself: a tenant's mistake takes nobody else's policy away,
 * and the last version of the same object that was right stays in force.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { KubeConfig } from '@kubernetes/client-node'
import { stringify } from 'yaml'
import { z } from 'zod'
import type { Problem } from '../../contract/problem.ts'
import type { Action } from '../actions/action.ts'
import { combineSets } from '../policy/combine.ts'
import { group, version } from '../policy/crds.ts'
import type { PolicyFile } from '../policy/documents.ts'
import { loadPolicies } from '../policy/load.ts'
import { noGuard, type PolicySet } from '../policy/policy.ts'
import { startInformer, type Informer } from './informer.ts'

const objectSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string(),
    generation: z.number(),
    resourceVersion: z.string(),
  }),
  spec: z.unknown(),
  status: z.unknown().optional(),
})
export type PolicyObject = z.infer<typeof objectSchema>

/** One object as it stands: what of it is in force, and what is wrong with it as it is now. */
export interface ReadObject {
  readonly object: PolicyObject
  readonly set: PolicySet
  readonly problems: readonly Problem[]
}

export interface PolicyResources extends AsyncDisposable {
  readonly set: () => PolicySet
  readonly objects: () => readonly ReadObject[]
  readonly degraded: () => readonly string[]
}

export interface PolicyResourcesParts {
  readonly config: KubeConfig
  readonly actions: readonly Action[]
  /** The texts that were last right, by object UID. */
  readonly lastGoodFile: string
  readonly onChange: () => void
}

const plurals = ['responsepolicies', 'clusterresponsepolicies', 'responseguards'] as const
const empty: PolicySet = { policies: [], guard: noGuard, generation: 'empty' }

export async function watchPolicyResources(parts: PolicyResourcesParts): Promise<PolicyResources> {
  const lastGood = readLastGood(parts.lastGoodFile)
  const informers: Informer[] = []
  let read: readonly ReadObject[] = []
  let combined = empty
  let isWatching = false
  const look = () => {
    if (!isWatching) return
    const objects = informers.flatMap((informer) => informer.objects()).flatMap(parsed)
    read = objects.map((object) => readObject(object, parts.actions, lastGood))
    combined = combineSets([empty, ...read.map(({ set }) => set)])
    for (const uid of lastGood.keys())
      if (!objects.some(({ metadata }) => metadata.uid === uid)) lastGood.delete(uid)
    keepLastGood(parts.lastGoodFile, lastGood)
    parts.onChange()
  }
  for (const plural of plurals)
    informers.push(await startInformer(parts.config, { group, version, plural }, look))
  isWatching = true
  look()
  return {
    set: () => combined,
    objects: () => read,
    degraded: () => [
      ...informers.map((informer) => informer.problem()).filter((problem) => problem !== null),
      ...read
        .filter(({ problems }) => problems.length > 0)
        .map(({ object }) => `${nameOf(object)} is wrong; kubectl shows why in its status`),
    ],
    [Symbol.asyncDispose]: async () => {
      isWatching = false
      await Promise.all(informers.map((informer) => informer[Symbol.asyncDispose]()))
    },
  }
}

export const nameOf = ({ kind, metadata: { name, namespace } }: PolicyObject) =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`

const parsed = (object: unknown): readonly PolicyObject[] => {
  const result = objectSchema.safeParse(object)
  return result.success ? [result.data] : []
}

function readObject(
  object: PolicyObject,
  actions: readonly Action[],
  lastGood: Map<string, PolicyFile>,
): ReadObject {
  const { apiVersion, kind, metadata, spec } = object
  const { name, namespace, uid } = metadata
  const document = { apiVersion, kind, metadata: { name, namespace }, spec }
  const file = { name: nameOf(object), text: stringify(document, { aliasDuplicateObjects: false }) }
  const loaded = loadPolicies([file], actions)
  if (loaded.set !== null) {
    lastGood.set(uid, file)
    return { object, set: loaded.set, problems: [] }
  }
  const before = lastGood.get(uid)
  const set = before === undefined ? null : loadPolicies([before], actions).set
  return { object, set: set ?? empty, problems: loaded.problems }
}

const lastGoodSchema = z.record(z.string(), z.strictObject({ name: z.string(), text: z.string() }))

const readLastGood = (file: string): Map<string, PolicyFile> =>
  existsSync(file)
    ? new Map(Object.entries(lastGoodSchema.parse(JSON.parse(readFileSync(file, 'utf8')))))
    : new Map()

function keepLastGood(file: string, texts: ReadonlyMap<string, PolicyFile>): void {
  writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(texts)), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
