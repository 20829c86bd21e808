/** Which of its many things `riposte detect` was asked for: Falco put them all behind one command. */
import { writeFileSync } from 'node:fs'
import { printFields } from '../fields.ts'
import { CommandFailure, type Terminal } from '../terminal.ts'
import { type DetectFlags, detectorConfiguration } from './configuration.ts'
import { checkRules, printRules } from './print-rules.ts'
import { support, versions } from './support.ts'

export interface Flags extends DetectFlags {
  readonly validate: readonly string[]
  readonly describeAll?: boolean
  readonly describe?: string
  readonly list?: string | true
  readonly namesOnly?: boolean
  readonly format: string
  readonly dryRun?: boolean
  readonly seconds?: string
  readonly pidfile?: string
  readonly version?: boolean
  readonly support?: boolean
  readonly pageSize?: boolean
}

export async function act(flags: Flags, terminal: Terminal): Promise<void> {
  if (flags.version === true)
    return terminal.print(versions(flags.option.includes('json_output=true')))
  if (flags.pageSize === true) return terminal.print('4096')
  if (flags.list !== undefined)
    return terminal.print(
      printFields({
        format: flags.format,
        isNamesOnly: flags.namesOnly === true,
        source: flags.list === true ? undefined : flags.list,
      }),
    )
  const config = detectorConfiguration(flags, terminal)
  if (flags.support === true) return terminal.print(support(config, terminal))
  if (flags.validate.length > 0) {
    const { text, isValid } = checkRules(flags.validate, config.json_output)
    terminal.print(text)
    if (!isValid) process.exitCode = 1
    return undefined
  }
  if (flags.describeAll === true || flags.describe !== undefined)
    return terminal.print(printRules(config, flags.describe, terminal))
  if (flags.dryRun === true) {
    printRules(config, undefined, terminal)
    return terminal.say('the configuration and the rules are good; a dry run ends here')
  }
  const afterSeconds = secondsOf(flags.seconds)
  if (flags.pidfile !== undefined) writeFileSync(flags.pidfile, `${process.pid}\n`)
  if (config.audit !== undefined) {
    const { runAudit } = await import('./run-audit.ts')
    return runAudit(config, config.audit, { afterSeconds }, terminal)
  }
  const { runDetector } = await import('./run-detector.ts')
  return runDetector(config, { afterSeconds }, terminal)
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined || /^\d+$/.test(text)) return text === undefined ? undefined : Number(text)
  throw new CommandFailure(`-M ${text}: a number of seconds is expected`)
}
