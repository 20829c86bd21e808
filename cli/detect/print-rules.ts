/** What -V, -L and -l print, and the same for `riposte rules`. */
import { readRuleFiles } from '../../detector/engine/load/files.ts'
import type { LoadedRule } from '../../detector/engine/load/compile-rules.ts'
import { hasErrors, loadRules } from '../../detector/engine/load/load.ts'
import { validationJson, validationText } from '../../detector/engine/load/results.ts'
import { unknownName } from '../../contract/problem.ts'
import type { DetectorConfig } from '../../detector/config.ts'
import { ruleSources } from '../../detector/rule-sources.ts'
import { sayProblems } from '../problems.ts'
import { CommandFailure, type Terminal } from '../terminal.ts'
import { defaultRules } from './configuration.ts'

function load(paths: readonly string[]) {
  const { files, unreadable } = readRuleFiles(paths)
  const [first] = unreadable
  if (first !== undefined)
    throw new CommandFailure(
      `${first.path} cannot be read: ${first.reason}`,
      'name a rule file, or a directory of them',
    )
  return loadRules(files, { sources: ruleSources })
}

/** Falco's own form, text or JSON. */
export function checkRules(paths: readonly string[], isJson: boolean) {
  const loaded = load(paths)
  const text = isJson ? validationJson(loaded) : validationText(loaded).trimEnd()
  return { text, isValid: !hasErrors(loaded), problems: loaded.problems }
}

/** Throws with every problem said when the rules do not load. */
function loadedRules(paths: readonly string[], terminal: Terminal): readonly LoadedRule[] {
  const loaded = load(paths)
  if (hasErrors(loaded)) {
    sayProblems(loaded.problems, terminal)
    throw new CommandFailure('the rules cannot be loaded')
  }
  return loaded.rules
}

function ruleNamed(rules: readonly LoadedRule[], name: string): LoadedRule {
  const found = rules.find((rule) => rule.name === name)
  if (found !== undefined) return found
  throw new CommandFailure(
    unknownName(
      'rule',
      name,
      rules.map((rule) => rule.name),
    ),
    'riposte rules list shows them all',
  )
}

/** All rules, or one: name and description as Falco prints them, or their parts as JSON. */
export function printRules(
  { rulesFiles, json_output: isJson }: DetectorConfig,
  name: string | undefined,
  terminal: Terminal,
): string {
  const rules = loadedRules(rulesFiles, terminal)
  const shown = name === undefined ? rules : [ruleNamed(rules, name)]
  if (isJson) return JSON.stringify({ rules: shown.map(ruleRecord) })
  const lines = shown.map((rule) => `${rule.name.padEnd(50)} ${rule.desc.replaceAll(/\s+/g, ' ')}`)
  return [`${'Rule'.padEnd(50)} Description`, `${'----'.padEnd(50)} -----------`, ...lines].join(
    '\n',
  )
}

export type RuleRecord = ReturnType<typeof ruleRecord>

const ruleRecord = (rule: LoadedRule) => ({
  name: rule.name,
  priority: rule.priority,
  source: rule.source,
  enabled: rule.isEnabled,
  tags: rule.tags,
  description: rule.desc,
  output: rule.output,
  actions: rule.actions,
  macros: rule.usedMacros,
  lists: rule.usedLists,
})

const filesOr = (paths: readonly string[]) => (paths.length > 0 ? paths : defaultRules)

/** Of one event source, or of all; the rules of a source that is not enabled load, and do not run. */
export const listRules = (
  paths: readonly string[],
  source: string | undefined,
  terminal: Terminal,
): readonly RuleRecord[] =>
  loadedRules(filesOr(paths), terminal)
    .filter((rule) => source === undefined || rule.source === source)
    .map(ruleRecord)

export function showRule(paths: readonly string[], name: string, terminal: Terminal) {
  const found = ruleNamed(loadedRules(filesOr(paths), terminal), name)
  return { ...ruleRecord(found), condition: found.item.condition.text }
}

/** JSON in the shape of Falco's -V, or every problem with its line and a caret. */
export function validateRules(paths: readonly string[], isJson: boolean, terminal: Terminal): void {
  const { text, isValid, problems } = checkRules(paths, isJson)
  if (isJson) terminal.print(text)
  else sayProblems(problems, terminal)
  if (!isValid) throw new CommandFailure('the rules cannot be loaded')
  if (!isJson) terminal.say('the rules are good')
}
