/** Rule files → rules. Nothing stops at the first mistake: all are in `problems`, in the order they were found. */
import { type AnySource, fieldsOf } from '../rule-source.ts'
import { collect } from './collect.ts'
import { compileRules, type Compiled } from './compile-rules.ts'
import { fieldTester } from './conditions.ts'
import type { Item } from './items.ts'
import type { LoadProblem } from './places.ts'
import { readFile, type SourceFile } from './read.ts'
import { newReporter } from './reporter.ts'
import { builtInPlugins, checkEngineVersion, checkPluginVersions } from './versions.ts'

export interface LoadOptions {
  /** Event sources that there are, enabled or not; rules of others are left out with a warning. */
  readonly sources: readonly AnySource[]
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

export function loadRules(
  files: readonly SourceFile[],
  { sources, plugins = builtInPlugins, actions }: LoadOptions,
): Loaded {
  const { problems, report } = newReporter()
  const items = files.flatMap((file) => readFile(file, report))
  for (const item of items) {
    if (item.kind === 'engine') checkEngineVersion(item, report)
    if (item.kind === 'plugin') checkPluginVersions(item, plugins, report)
  }
  const loading = new Map(
    sources.flatMap(({ name }) => {
      const table = fieldsOf(name, sources)
      return table === undefined ? [] : [[name, { table, isField: fieldTester(table) }] as const]
    }),
  )
  const collected = collect(items, { isFieldOf: (source) => loading.get(source)?.isField, report })
  const compiled = compileRules(collected, { sources: loading, actions, report })
  return { ...compiled, problems, files, items }
}

export const hasErrors = ({ problems }: Pick<Loaded, 'problems'>): boolean =>
  problems.some(({ severity }) => severity === 'error')
