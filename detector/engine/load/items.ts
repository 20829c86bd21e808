/** What a rule file defines, as written: lists, macros, rules, and changes to rules. */
import type { Priority, RequestedAction } from '../../../contract/alert.ts'
import type { Context } from './places.ts'
import type { YamlScalar } from './yaml.ts'

/** A text and where it was written; appended parts follow each other with a blank between. */
export interface Written {
  readonly text: string
  readonly parts: readonly { readonly start: number; readonly node: YamlScalar }[]
  readonly context: Context
}

export interface ListItem {
  readonly kind: 'list'
  readonly name: string
  readonly items: readonly string[]
  readonly isAppended: boolean
  readonly context: Context
}

export interface MacroItem {
  readonly kind: 'macro'
  readonly name: string
  readonly condition: Written
  readonly isAppended: boolean
  readonly context: Context
}

/** A field, comparison or value of an exception: one, or a list of them. */
export type Entry = string | readonly Entry[]

export interface ExceptionItem {
  readonly name: string
  readonly fields: Entry | undefined
  readonly comps: Entry | undefined
  readonly values: readonly Entry[]
  readonly context: Context
}

/** Everything about a rule that a later file can change. */
export interface RuleParts {
  readonly condition: Written
  readonly output: Written
  readonly desc: string
  readonly priority: Priority
  readonly tags: readonly string[]
  readonly exceptions: readonly ExceptionItem[]
  readonly actions: readonly ActionItem[]
  readonly enabled: boolean
  readonly capture: boolean
  readonly captureDurationMs: number
  readonly warnEventTypes: boolean
  readonly skipIfUnknownFilter: boolean
}

export interface ActionItem extends RequestedAction {
  readonly context: Context
}

export interface RuleItem extends RuleParts {
  readonly kind: 'rule'
  readonly name: string
  readonly source: string
  readonly context: Context
}

export interface RuleUpdate {
  readonly kind: 'append' | 'replace'
  readonly name: string
  readonly changes: Partial<RuleParts>
  readonly context: Context
}

/** `- rule: x` with `enabled` alone: the old way to switch a rule. */
export interface RuleSwitch {
  readonly kind: 'switch'
  readonly name: string
  readonly enabled: boolean
  readonly context: Context
}

export interface EngineVersion {
  readonly kind: 'engine'
  readonly version: string
  readonly context: Context
}

export interface PluginVersion {
  readonly name: string
  readonly version: string
}

export interface PluginVersions {
  readonly kind: 'plugin'
  /** Any one of them is enough. */
  readonly alternatives: readonly PluginVersion[]
  readonly context: Context
}

/** An item that was not understood: later items that build on it are not to blame. */
export interface BrokenItem {
  readonly kind: 'broken'
  readonly what: 'list' | 'macro' | 'rule'
  readonly name: string
}

export type Item =
  | ListItem
  | MacroItem
  | RuleItem
  | RuleUpdate
  | RuleSwitch
  | EngineVersion
  | PluginVersions
  | BrokenItem
