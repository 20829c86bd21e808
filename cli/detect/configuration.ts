/** The detector's configuration from a command line: Falco's flags become settings. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type DetectorConfig, loadConfig } from '../../detector/config.ts'
import { projectRoot } from '../doctor/machine.ts'
import { sayProblems } from '../problems.ts'
import { CommandFailure, type Terminal } from '../terminal.ts'

export interface DetectFlags {
  readonly config?: string
  readonly rules: readonly string[]
  readonly option: readonly string[]
  readonly data?: string
  /** Falco's old -D, -T, -t. */
  readonly disableRule: readonly string[]
  readonly disableTag: readonly string[]
  readonly onlyTag: readonly string[]
  readonly print: readonly string[]
  readonly enableSource: readonly string[]
  readonly disableSource: readonly string[]
}

const defaultConfig = '/etc/riposte/riposte.yaml'

/** Our own, in the order of their names; the last is there for yours. */
export const defaultRules: readonly string[] = [join(projectRoot, 'rules')]

export function detectorConfiguration(flags: DetectFlags, terminal: Terminal): DetectorConfig {
  const file = flags.config ?? (existsSync(defaultConfig) ? defaultConfig : undefined)
  const overrides = [...fromFlags(flags), ...flags.option]
  const { config, problems } = loadConfig({ file, overrides, environment: terminal.environment })
  sayProblems(problems, terminal)
  if (config === undefined) throw new CommandFailure('the configuration cannot be used')
  return config.rulesFiles.length > 0 ? config : { ...config, rulesFiles: defaultRules }
}

function fromFlags(flags: DetectFlags): string[] {
  const settings: [key: string, value: unknown][] = []
  if (flags.rules.length > 0) settings.push(['rules_files', flags.rules])
  if (flags.data !== undefined) settings.push(['riposte.data', flags.data])
  for (const rule of flags.disableRule)
    settings.push(['rules[]', { disable: { rule: `*${rule}*` } }])
  for (const tag of flags.disableTag) settings.push(['rules[]', { disable: { tag } }])
  if (flags.onlyTag.length > 0) settings.push(['rules[]', { disable: { rule: '*' } }])
  for (const tag of flags.onlyTag) settings.push(['rules[]', { enable: { tag } }])
  for (const source of flags.enableSource) settings.push(['riposte.enable_sources[]', source])
  for (const source of flags.disableSource) settings.push(['riposte.disable_sources[]', source])
  for (const template of flags.print) {
    // -pc and -pk meant container and pod fields, which are appended anyway.
    if (!['c', 'container', 'k', 'kubernetes'].includes(template))
      settings.push(['append_output[]', { extra_output: template }])
  }
  return settings.map(([key, value]) => `${key}=${JSON.stringify(value)}`)
}
