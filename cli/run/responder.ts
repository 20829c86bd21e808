/** The responder from a command line: its configuration, its log on stderr, its policies' problems. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { readConfig, type ResponderConfig } from '../../responder/config.ts'
import { type Responder, startResponder } from '../../responder/main.ts'
import type { PolicyWatch } from '../../responder/policy/directory.ts'
import { dataDirectory } from '../data-directory.ts'
import { projectRoot } from '../doctor/machine.ts'
import { sayProblems } from '../problems.ts'
import { stopAsked } from '../stop-signal.ts'
import { jsonLog } from './log.ts'
import { CommandFailure, type Terminal } from '../terminal.ts'
import { version } from '../version.ts'

export interface ResponderFlags {
  readonly data?: string
  readonly listen?: string
  readonly policies?: string
  readonly responderConfig?: string
}

const defaultConfig = '/etc/riposte/responder.yaml'

export function responderConfiguration(flags: ResponderFlags, terminal: Terminal): ResponderConfig {
  const { data, listen, policies } = flags
  const given = Object.entries({ data, listen, policies }).filter(
    ([, value]) => value !== undefined,
  )
  const name = flags.responderConfig ?? (existsSync(defaultConfig) ? defaultConfig : undefined)
  const { config, problems } = readConfig({
    flags: Object.fromEntries(given),
    environment: terminal.environment,
    file: name === undefined ? null : { name, text: readFileSync(name, 'utf8') },
    defaults: { data: dataDirectory(undefined, terminal), policies: join(projectRoot, 'policies') },
  })
  if (config !== null) return config
  sayProblems(problems, terminal)
  throw new CommandFailure('the configuration of the responder cannot be used')
}

export function openResponder(
  config: ResponderConfig,
  logger: Logger,
  terminal: Terminal,
): Promise<Responder> {
  return startResponder({
    config,
    logger,
    version,
    onPolicies: (policies: PolicyWatch) => {
      sayProblems(policies.problems(), terminal)
    },
  })
}

/** The responder alone, until it is asked to stop. */
export async function runResponder(flags: ResponderFlags, terminal: Terminal): Promise<void> {
  const config = responderConfiguration(flags, terminal)
  const stopping = stopAsked({ isChild: process.connected })
  const responder = await openResponder(config, jsonLog(config.logLevel), terminal)
  terminal.say(`web UI: ${responder.url} (riposte login lets you in)`)
  terminal.say('ready')
  await stopping
  await responder[Symbol.asyncDispose]()
}
