/** `riposte login`: a link that lets one browser in, once, within five minutes. */
import { z } from 'zod'
import { asks, readAnswer, withApi } from '../ask.ts'
import type { ApiOptions } from '../api.ts'
import { type AddCommand, examples } from '../command.ts'

export const login: AddCommand = (program, terminal) => {
  asks(program.command('login'))
    .description('print a link that opens the web page, once, within five minutes')
    .addHelpText('after', examples(['riposte login', 'on the host where the responder runs']))
    .action((options: ApiOptions) =>
      withApi(options, terminal, async (api) => {
        const answer = await api.post('/v1/login-codes', {})
        terminal.print(readAnswer(z.looseObject({ url: z.string() }), answer).url)
        terminal.say('good for one browser, for five minutes')
      }),
    )
}
