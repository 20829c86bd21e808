/** Where in which file something was read, and the chain of items around it that Falco prints. */
import type { Problem } from '../../../contract/problem.ts'
import type { LoadCode } from './codes.ts'

export interface Spot {
  readonly file: string
  /** From 0, in UTF-16 units of the file's text. */
  readonly offset: number
  readonly length: number
  /** From 0, as yaml-cpp counts and Falco prints; a Problem counts from 1. */
  readonly line: number
  readonly column: number
}

export type ItemType =
  | 'rules content'
  | 'rules content item'
  | 'required_engine_version'
  | 'required plugin versions'
  | 'required plugin versions entry'
  | 'required plugin versions alternative'
  | 'list'
  | 'list item'
  | 'macro'
  | 'macro condition'
  | 'rule'
  | 'rule condition'
  | 'rule output'
  | 'rule priority'
  | 'condition expression'
  | 'exceptions'
  | 'exception'
  | 'exception values'
  | 'exception value'
  | 'overrides'
  | 'value for'

export interface Location {
  readonly type: ItemType
  readonly name: string
  /** What stands for the file's name: a condition's own beginning for positions inside a condition. */
  readonly label: string
  readonly spot: Spot
}

/** From the file inwards. */
export type Context = readonly [Location, ...Location[]]

export const inside = (context: Context, type: ItemType, name: string, spot: Spot): Context => [
  ...context,
  { type, name, label: context[0].label, spot },
]

export const lastSpot = (context: Context): Spot => (context.at(-1) ?? context[0]).spot

/** A problem of a rule file: with the chain around it, and the condition's text where the place is inside one. */
export interface LoadProblem extends Problem {
  readonly code: LoadCode
  /** Without our hint. */
  readonly falcoMessage: string
  readonly context: Context
  /** The file whose load brought it: the last one that changed the item. */
  readonly loadedWith: string
  /** Falco's snippet comes from here when the place is inside a condition: its text and the offset in it. */
  readonly excerpt?: { readonly text: string; readonly offset: number }
}

export interface Detail {
  /** A nearer place than the chain's innermost. */
  readonly spot?: Spot
  readonly hint?: string | undefined
  readonly loadedWith?: string
  readonly excerpt?: { readonly text: string; readonly offset: number }
}

export type Report = (code: LoadCode, message: string, context: Context, detail?: Detail) => void
