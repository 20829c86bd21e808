/** `riposte run`: the main job on this host. Alerts on stdout, one a line; talk on stderr. */
import { type AddCommand, collect, examples } from '../command.ts'
import type { ResponderFlags } from '../run/responder.ts'

interface Flags extends ResponderFlags {
  readonly rules: readonly string[]
  readonly config?: string
  readonly option: readonly string[]
}

export const run: AddCommand = (program, terminal) => {
  program
    .command('run')
    .description(
      'detect and respond on this host, with an embedded Redis and SQLite; policies begin in audit',
    )
    .option('--data <dir>', 'where everything is kept (default: /var/lib/riposte)')
    .option('--listen <host:port>', 'web UI and API (default: 127.0.0.1:2810)')
    .option('-r, --rules <path>', 'rule file or directory, repeatable (default: ours)', collect, [])
    .option('--policies <dir>', 'policy files (default: ours)')
    .option('-c, --config <file>', "the detector's falco.yaml")
    .option('--responder-config <file>', 'default: /etc/riposte/responder.yaml if it is there')
    .option(
      '-o, --option <key=value>',
      "set a key of the detector's configuration, repeatable",
      collect,
      [],
    )
    .addHelpText(
      'after',
      examples(
        ['sudo riposte run', 'watch this host; open the address that it prints'],
        ['sudo riposte run -r /etc/falco/falco_rules.yaml', "with Falco's rules"],
        ['sudo riposte run --data /tmp/try --listen 127.0.0.1:0', 'leaves nothing elsewhere'],
      ),
    )
    .action(async (flags: Flags) => {
      const { runBoth } = await import('../run/both.ts')
      const { responderConfiguration } = await import('../run/responder.ts')
      const responder = responderConfiguration(flags, terminal)
      const detectorArguments = [
        ...flags.rules.flatMap((path) => ['-r', path]),
        ...flags.option.flatMap((option) => ['-o', option]),
        ...(flags.config === undefined ? [] : ['-c', flags.config]),
      ]
      await runBoth({ responder, detectorArguments }, terminal)
    })
}
