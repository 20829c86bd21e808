/** Rule files → rules. Nothing stops at the first mistake: all are in `problems`, in the order they were found. */
import type { FieldTable } from '../../fields/index.ts'
import { collect } from './collect.ts'
import { compileRules, type Compiled } from './compile-rules.ts'
import { fieldTester } from './conditions.ts'
import type { Item } from './items.ts'
import type { LoadProblem } from './places.ts'
import { readFile, type SourceFile } from './read.ts'
import { newReporter } from './reporter.ts'
import { builtInPlugins, checkEngineVersion, checkPluginVersions } from './versions.ts'

export interface LoadOptions {
  readonly table: FieldTable
  /** Event sources that there are; rules of others are left out with a warning. */
  readonly sources?: readonly string[]
  /** Plugins that rule files may require, with their versions. */
  readonly plugins?: ReadonlyMap<string, string>
  /** Names that a rule's `actions:` may use; without it any. */
  readonly actions?: readonly string[]
}

export interface Loaded extends Compiled {
  readonly problems: readonly LoadProblem[]
  readonly files: readonly SourceFile[]
  readonly items: readonly Item[]
}

export const knownSources: readonly string[] = ['syscall', 'k8s_audit']

export function loadRules(
  files: readonly SourceFile[],
  { table, sources = knownSources, plugins = builtInPlugins, actions }: LoadOptions,
): Loaded {
  const { problems, report } = newReporter()
  const items = files.flatMap((file) => readFile(file, report))
  for (const item of items) {
    if (item.kind === 'engine') checkEngineVersion(item, report)
    if (item.kind === 'plugin') checkPluginVersions(item, plugins, report)
  }
  const isField = fieldTester(table)
  const collected = collect(items, { sources, isField, report })
  const compiled = compileRules(collected, { table, isField, sources, actions, report })
  return { ...compiled, problems, files, items }
}

export const hasErrors = ({ problems }: Pick<Loaded, 'problems'>): boolean =>
  problems.some(({ severity }) => severity === 'error')
