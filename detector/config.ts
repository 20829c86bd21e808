/** Reads the detector's configuration: what it says, what is wrong with it, and what follows from it. */
import { hostname } from 'node:os'
import type { z } from 'zod'
import { type Priority, priorities, prioritySchema } from '../contract/alert.ts'
import { type Problem, unknownName } from '../contract/problem.ts'
import { type SourceChoice, chooseSource } from './audit/settings.ts'
import { type ConfigDocument, configProblem, readConfig } from './config-document.ts'
import { environmentOverrides, withoutUnknown } from './config-keys.ts'
import { detectorSchema } from './config-schema.ts'

export type DetectorConfig = z.infer<typeof detectorSchema> &
  SourceChoice & {
    readonly minPriority: Priority
    readonly node: string
    /** From rules_files, or the old rules_file. */
    readonly rulesFiles: readonly string[]
  }

export interface ConfigSource {
  readonly file: string | undefined
  /** `-o key=value`, in order. */
  readonly overrides: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}

export interface LoadedConfig {
  /** Undefined exactly when there is an error among the problems. */
  readonly config: DetectorConfig | undefined
  readonly problems: readonly Problem[]
  readonly files: readonly string[]
}

/** Flags before environment before file before defaults. */
export function loadConfig({ file, overrides, environment }: ConfigSource): LoadedConfig {
  const fromEnvironment = environmentOverrides(environment)
  const document = readConfig(file, [...fromEnvironment, ...overrides], environment)
  const { files } = document
  const problems = [...document.problems]
  const known = withoutUnknown(document, problems)
  const result = detectorSchema.safeParse(known)
  for (const issue of result.error?.issues ?? [])
    problems.push(configProblem(document, issue.path, `${issue.path.join('.')}: ${issue.message}`))
  const config = result.data && finish(result.data, document, problems)
  problems.sort((a, b) => a.line - b.line)
  const isUsable = problems.every(({ severity }) => severity === 'warning')
  return { config: isUsable ? config : undefined, problems, files }
}

function finish(
  data: z.infer<typeof detectorSchema>,
  document: ConfigDocument,
  problems: Problem[],
): DetectorConfig {
  const minPriority = priorityNamed(data.priority)
  if (minPriority === undefined)
    problems.push(
      configProblem(document, ['priority'], unknownName('priority', data.priority, priorities)),
    )
  if (data.rules_file !== undefined && data.rules_files !== undefined)
    problems.push(
      configProblem(document, ['rules_file'], 'rules_file and rules_files: write only rules_files'),
    )
  if (data.http_output.enabled && !/^https?:\/\/./.test(data.http_output.url))
    problems.push(
      configProblem(
        document,
        ['http_output', 'url'],
        'http_output.url must be http://… or https://…',
      ),
    )
  if (data.program_output.enabled && data.program_output.program === '')
    problems.push(configProblem(document, ['program_output'], 'program_output.program is empty'))
  if (data.riposte.responder.ca_config_map !== '' && data.riposte.responder.ca_file !== undefined)
    problems.push(
      configProblem(
        document,
        ['riposte', 'responder', 'ca_file'],
        'riposte.responder: ca_file or ca_config_map, not both',
      ),
    )
  const choice = chooseSource({ ...data, load_plugins: data.load_plugins })
  if (!('source' in choice))
    problems.push(...choice.map(({ path, message }) => configProblem(document, path, message)))
  return {
    ...data,
    ...('source' in choice ? choice : { source: 'syscall', audit: undefined }),
    minPriority: minPriority ?? 'Debug',
    node: data.riposte.node ?? defaultNode(),
    rulesFiles: [data.rules_files ?? data.rules_file ?? []].flat(),
  }
}

/** Falco takes any case, and `info` and `informational`. */
function priorityNamed(name: string): Priority | undefined {
  const wanted = name.toLowerCase() === 'info' ? 'informational' : name.toLowerCase()
  return prioritySchema.safeParse(wanted.charAt(0).toUpperCase() + wanted.slice(1)).data
}

/** A node's name goes into a header and a path: what is none becomes a hyphen. */
const defaultNode = () =>
  hostname()
    .replaceAll(/[^\w.-]/g, '-')
    .slice(0, 253) || 'localhost'
