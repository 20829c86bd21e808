/**
 * What an object was before an action changed it: in the effect (the ledger) and as an annotation on the object itself,
 * for people who look at it with kubectl and for the day that the ledger is lost. Undo compares both ends: it takes back
 * only what is still as the action left it.
 */
import { z } from 'zod'
import { Conflict } from '../actions/errors.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { nameOf } from './objects.ts'

const prefix = 'riposte.dev/'
/** All annotations of an object together may have 256 KiB; ours are to stay small. */
const maxBytes = 4096

/** One annotation for an action, so that two actions on one object do not take each other's. */
export const priorKey = (action: string): string => `${prefix}${action.replaceAll('_', '-')}`

/** The annotation's value: which step did it, and what was there. Prior state that is too long is left to the ledger. */
export function priorValue(stepId: string, prior: unknown): string {
  const whole = JSON.stringify({ step: stepId, prior })
  return Buffer.byteLength(whole) <= maxBytes
    ? whole
    : JSON.stringify({ step: stepId, prior: null })
}

const noteSchema = z.object({ step: z.string() })

/** The step that left its mark on the object; undefined where there is none, or not one of ours. */
export function stepOnObject(object: KubernetesObject, action: string): string | undefined {
  const text = object.metadata.annotations?.[priorKey(action)]
  if (text === undefined) return undefined
  try {
    return noteSchema.parse(JSON.parse(text)).step
  } catch {
    // Written by somebody else: what it says is not relied on.
    return undefined
  }
}

/** Throws Conflict unless what is there is what the action left. */
export function unchangedSince(object: KubernetesObject, left: unknown, found: unknown): void {
  const [was, is] = [JSON.stringify(left), JSON.stringify(found)]
  if (was === is) return
  const name = nameOf({ kind: object.kind, ...object.metadata })
  throw new Conflict(`${name} was changed since: it was left as ${was} and is ${is} now`)
}
