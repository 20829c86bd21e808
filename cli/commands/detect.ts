/** `riposte detect`: detection alone, with Falco's flags and exit codes, so that it can stand where Falco stood. */
import type { Command } from 'commander'
import { type AddCommand, collect, examples } from '../command.ts'
import type { Flags } from '../detect/act.ts'

export const detect: AddCommand = (program, terminal) => {
  const command = program
    .command('detect')
    .description('detect and tell; takes the flags and the falco.yaml of Falco')
  addFlags(command)
    .addHelpText(
      'after',
      examples(
        ['riposte detect -r /etc/falco/falco_rules.yaml', 'alerts of these rules on stdout'],
        ['riposte detect -c /etc/falco/falco.yaml -o json_output=true', 'with a falco.yaml'],
        [
          'riposte detect -c audit.yaml --disable-source syscall',
          'judge requests to the Kubernetes API server; needs no root',
        ],
        ['riposte detect -V rules.yaml', 'check a rule file: exit 0, or 1 and what is wrong'],
      ),
    )
    .action(async (flags: Flags) => {
      const { act } = await import('../detect/act.ts')
      await act(flags, terminal)
    })
}

/** Falco's short flags are kept where they do not name what Riposte has not (plugins, captures to write). */
function addFlags(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      'falco.yaml, or ours (default: /etc/riposte/riposte.yaml if it is there)',
    )
    .option(
      '-r, --rules <path>',
      'rule file or directory, repeatable; replaces rules_files',
      collect,
      [],
    )
    .option('-o, --option <key=value>', 'set a key of the configuration, repeatable', collect, [])
    .option('-V, --validate <file>', 'check rule files and exit, repeatable', collect, [])
    .option('-L, --describe-all', 'list all rules and exit')
    .option('-l, --describe <rule>', 'show one rule and exit')
    .option('--list [source]', 'list all fields and exit')
    .option('-N, --names-only', 'with --list: only the names')
    .option('--format <format>', 'with --list: text, markdown or json', 'text')
    .option('--dry-run', 'load configuration and rules, judge nothing')
    .option('-M, --seconds <number>', 'stop after so many seconds')
    .option('-P, --pidfile <file>', 'write the process id there')
    .option('-U, --unbuffered', 'accepted; lines are never held back')
    .option('-p, --print <template>', 'append to every output', collect, [])
    .option(
      '-D, --disable-rule <text>',
      'switch off rules whose name contains this, repeatable',
      collect,
      [],
    )
    .option('-T, --disable-tag <tag>', 'switch off rules with this tag, repeatable', collect, [])
    .option('-t, --only-tag <tag>', 'only rules with this tag, repeatable', collect, [])
    .option('--enable-source <source>', 'judge only this source: syscall or k8s_audit', collect, [])
    .option('--disable-source <source>', 'do not judge this source', collect, [])
    .option('--data <dir>', 'spools, evidence, quarantine')
    .option('--support', 'print version, system, configuration and rules as JSON and exit')
    .option('--version', 'print versions and exit')
    .option('--page-size', 'print the size of a page and exit')
    .option('-v, --verbose', 'accepted')
}
