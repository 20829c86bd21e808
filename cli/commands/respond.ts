/** `riposte respond`: the responder alone; detectors on other hosts dial it. */
import { type AddCommand, examples } from '../command.ts'
import type { ResponderFlags } from '../run/responder.ts'

export const respond: AddCommand = (program, terminal) => {
  program
    .command('respond')
    .description('take alerts from detectors and answer them by policy')
    .option('--data <dir>', 'ledger, own Redis, tokens')
    .option('--listen <host:port>', 'web UI and API (default: 127.0.0.1:2810)')
    .option('--policies <dir>', 'policy files (default: ours)')
    .option('-c, --responder-config <file>', 'default: /etc/riposte/responder.yaml if it is there')
    .addHelpText(
      'after',
      examples(['riposte respond --data /var/lib/riposte', 'until it is stopped']),
    )
    .action(async (flags: ResponderFlags) => {
      const { runResponder } = await import('../run/responder.ts')
      await runResponder(flags, terminal)
    })
}
