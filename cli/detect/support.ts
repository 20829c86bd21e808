/** `--support` and `--version` in Falco's shape. */
import { arch, release, type as systemName, version as systemVersion } from 'node:os'
import { readFileSync } from 'node:fs'
import type { DetectorConfig } from '../../detector/config.ts'
import { readRuleFiles } from '../../detector/engine/load/files.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'

/** The engine version whose rule language this is; rule files may require up to it. */
const ENGINE = '0.62.0'

export function versions(isJson: boolean): string {
  if (isJson)
    return JSON.stringify({
      engine_version: ENGINE.split('.')[1],
      engine_version_semver: ENGINE,
      falco_version: version,
      riposte_version: version,
    })
  return [
    `Riposte version: ${version} (${arch()})`,
    `Engine:          ${ENGINE}`,
    `Node:            ${process.version}`,
  ].join('\n')
}

export function support(config: DetectorConfig, { environment }: Terminal): string {
  const { files } = readRuleFiles(config.rulesFiles)
  return JSON.stringify(
    {
      version,
      engine_info: { engine_version: ENGINE },
      system_info: {
        machine: arch(),
        nodename: environment['FALCO_HOSTNAME'] ?? config.node,
        release: release(),
        sysname: systemName(),
        version: systemVersion(),
      },
      cmdline: readFileSync('/proc/self/cmdline', 'utf8').split('\0').join(' ').trim(),
      config,
      rules_files: files.map(({ name, text }) => ({ name, content: text })),
    },
    undefined,
    2,
  )
}
