/**
 * What an object was before an action changed it: in the effect (the ledger) and as an annotation on the object itself,
 * for people who look at it with kubectl, for an attempt that is made again, and for the day that the ledger is lost.
 * Undo compares both ends: it takes back only what is still as the action left it.
 */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { Conflict } from '../actions/errors.ts'
import type { KubernetesObject } from './kubernetes.ts'
import type { Entries } from './map-patch.ts'
import { nameOf } from './objects.ts'

/** All annotations of an object together may have 256 KiB; ours are to stay small, and few. */
const maxBytes = 4096
const maxNotes = 16

/** One annotation for a step, so that two steps on one object do not take each other's. */
export const priorKey = (action: string, stepId: string): string =>
  `${prefix}${action.replaceAll('_', '-')}.${stepId.slice(0, 13)}`
const prefix = 'riposte.dev/'

/** The annotation to write with the change; none where there is no room: then the ledger alone knows. */
export function priorNote(
  { metadata }: KubernetesObject,
  action: string,
  stepId: string,
  prior: unknown,
): Entries {
  const key = priorKey(action, stepId)
  const notes = Object.keys(metadata.annotations ?? {}).filter((name) => name.startsWith(prefix))
  const value = JSON.stringify({ step: stepId, prior })
  const fits = Buffer.byteLength(value) <= maxBytes && notes.length < maxNotes
  return fits || notes.includes(key) ? { [key]: value } : {}
}

/** Takes the note away, where there is one. */
export const noNote = (action: string, stepId: string): Entries => ({
  [priorKey(action, stepId)]: null,
})

const noteSchema = z.object({ step: z.string(), prior: z.unknown() })

/** What this very step noted when it made its change; undefined where it has not, or where others wrote over it. */
export function priorOf<Prior>(
  { metadata }: KubernetesObject,
  action: string,
  stepId: string,
  schema: z.ZodType<Prior>,
): Prior | undefined {
  const text = metadata.annotations?.[priorKey(action, stepId)]
  if (text === undefined) return undefined
  try {
    const { step, prior } = noteSchema.parse(JSON.parse(text))
    return step === stepId ? schema.parse(prior) : undefined
  } catch {
    // Written by somebody else: what it says is not relied on.
    return undefined
  }
}

/** Throws Conflict unless what is there is what the action left (or, before it acts, what it saw). */
export function unchangedSince(object: KubernetesObject, left: unknown, found: unknown): void {
  if (isDeepStrictEqual(left, found)) return
  const name = nameOf({ ...object.metadata, kind: object.kind })
  const [was, is] = [JSON.stringify(left), JSON.stringify(found)]
  throw new Conflict(`${name} was changed since: it was ${was} and is ${is} now`)
}
