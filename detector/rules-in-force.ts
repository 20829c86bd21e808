/** Rule files → what judges events and what prints their alerts. Nothing replaces rules in force until all of it is good. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { Problem } from '../contract/problem.ts'
import type { JudgedAlert } from './alerts/judged.ts'
import type { DetectorConfig } from './config.ts'
import type { LoadedRule } from './engine/load/compile-rules.ts'
import type { TemplateProblem } from './engine/format.ts'
import { readRuleFiles } from './engine/load/files.ts'
import { loadRules } from './engine/load/load.ts'
import type { SourceFile } from './engine/load/read.ts'
import type { Dispatched, RuleSource } from './engine/rule-source.ts'
import { type Ruleset, createRuleset } from './engine/ruleset.ts'
import type { Selection } from './engine/selection.ts'
import { ruleSources } from './rule-sources.ts'

/** The rules cannot be loaded; every problem has been explained. */
export class RulesRefused extends Error {
  readonly code = 'rules_refused'
  readonly retryable = false
}

export interface RulesInForce<Subject> {
  readonly ruleset: Ruleset<Subject>
  readonly makers: ReadonlyMap<LoadedRule, (event: Subject) => JudgedAlert>
  /** Rules that the files define, whether they run or not, and of whatever source. */
  readonly loaded: number
  /** Of all files, in order. */
  readonly sha256: string
  readonly files: readonly { readonly name: string; readonly sha256: string }[]
  readonly loadedMs: number
}

export interface LoadResult<Subject> {
  /** Undefined exactly when a problem is an error. */
  readonly rules: RulesInForce<Subject> | undefined
  readonly problems: readonly Problem[]
  readonly sources: readonly SourceFile[]
}

/** What a detector of one source needs to judge: rules of other sources are checked, and do not run. */
export interface JudgeOf<Subject> {
  readonly source: RuleSource<Subject>
  /** From a rule of it to what makes its alerts, or what is wrong with the output. */
  readonly compileAlert: (
    rule: LoadedRule,
  ) => ((event: Subject) => JudgedAlert) | readonly TemplateProblem[]
}

export function loadInForce<Subject extends Dispatched>(
  paths: readonly string[],
  config: DetectorConfig,
  { source, compileAlert }: JudgeOf<Subject>,
  nowMs: number,
): LoadResult<Subject> {
  const { files: sources, unreadable } = readRuleFiles(paths)
  if (unreadable.length > 0)
    return { rules: undefined, problems: unreadable.map(fileProblem), sources }
  const { rules: loaded, problems: found } = loadRules(sources, { sources: ruleSources })
  const problems: Problem[] = [...found]
  const ruleset = createRuleset(loaded, {
    matching: config.rule_matching,
    source,
    selection: selections(config),
    minPriority: config.minPriority,
  })
  const makers = new Map<LoadedRule, (event: Subject) => JudgedAlert>()
  for (const rule of ruleset.rules) {
    const maker = compileAlert(rule)
    if (typeof maker === 'function') makers.set(rule, maker)
    else problems.push(...maker.map(({ problem }) => appendedProblem(rule, problem)))
  }
  if (problems.some(({ severity }) => severity === 'error'))
    return { rules: undefined, problems, sources }
  const files = sources.map(({ name, text }) => ({ name: basename(name), sha256: sha256(text) }))
  const whole = sha256(sources.map(({ text }) => text).join('\0'))
  const rules = { ruleset, makers, loaded: loaded.length, sha256: whole, files, loadedMs: nowMs }
  return { rules, problems, sources }
}

const fileProblem = ({ path, reason }: { path: string; reason: string }): Problem => ({
  code: 'LOAD_ERR_FILE_READ',
  severity: 'error',
  message: `cannot be read: ${reason}`,
  file: path,
  line: 1,
  column: 1,
})

/** The rule's own output was checked at load: what is wrong now came from append_output. */
const appendedProblem = (rule: LoadedRule, message: string): Problem => ({
  code: 'LOAD_ERR_COMPILE_OUTPUT',
  severity: 'error',
  message: `append_output for rule "${rule.name}": ${message}`,
  file: 'append_output',
  line: 1,
  column: 1,
})

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function selections({ rules }: DetectorConfig): Selection[] {
  return rules.flatMap((entry) =>
    (['enable', 'disable'] as const).flatMap((operation) =>
      (['rule', 'tag'] as const).flatMap((by) => {
        const pattern = entry[operation]?.[by]
        return pattern === undefined ? [] : [{ operation, by, pattern }]
      }),
    ),
  )
}
