/** `riposte status`: is it well, what does each node see and strike, and is the kill switch on. Exit 1 when something is not well. */
import { Option } from 'commander'
import { z } from 'zod'
import { heartbeatSchema } from '../../contract/verdict.ts'
import type { ApiOptions } from '../api.ts'
import { asks, printWhole, readAnswer, withApi } from '../ask.ts'
import { type AddCommand, examples } from '../command.ts'
import { age, alignColumns } from '../table.ts'
import { CommandFailure } from '../terminal.ts'

const healthSchema = z.looseObject({
  degraded: z.array(z.string()),
  killSwitch: z.string().nullable(),
  policies: z.number(),
  version: z.string(),
  startedMs: z.number(),
  nowMs: z.number(),
  nodes: z.array(
    z.looseObject({ node: z.string(), seenMs: z.number(), heartbeat: heartbeatSchema.nullable() }),
  ),
})
type Health = z.infer<typeof healthSchema>

export const status: AddCommand = (program, terminal) => {
  asks(program.command('status'))
    .description('how Riposte is: nodes, rules, strikes, losses, and what is degraded')
    .addOption(
      new Option('-o, --output <format>', 'text, json or yaml')
        .choices(['text', 'json', 'yaml'])
        .default('text'),
    )
    .addHelpText(
      'after',
      examples(
        ['riposte status', 'one look'],
        ['riposte status && echo well', 'exit code 1 when degraded'],
      ),
    )
    .action((options: ApiOptions & { output: 'text' | 'json' | 'yaml' }) =>
      withApi(options, terminal, async (api) => {
        const answer = await api.get('/v1/health')
        const health = readAnswer(healthSchema, answer)
        terminal.print(
          options.output === 'text'
            ? textOf(health)
            : printWhole(answer, options.output === 'json' ? 'json' : 'yaml'),
        )
        if (health.degraded.length > 0)
          throw new CommandFailure(`degraded: ${health.degraded.length} remark(s), listed above`)
      }),
    )
}

function textOf(health: Health): string {
  const { degraded, killSwitch, nowMs, nodes } = health
  return [
    `riposte ${health.version}, up ${age(health.startedMs, nowMs)}, ${health.policies} policies`,
    `kill switch: ${killSwitch === null ? 'off' : `ON: ${killSwitch}`}`,
    ...degraded.map((remark) => `degraded: ${remark}`),
    '',
    alignColumns([
      ['NODE', 'SCOPE', 'SEEN', 'RULES', 'JUDGED', 'LOST', 'STRIKES'],
      ...nodes.map(({ node, seenMs, heartbeat }) => [
        node,
        heartbeat?.scope ?? '-',
        `${age(seenMs, nowMs)} ago`,
        heartbeat === null ? '-' : `${heartbeat.rules.enabled}/${heartbeat.rules.loaded}`,
        String(heartbeat?.events.judged ?? '-'),
        String(Object.values(heartbeat?.events.lost ?? {}).reduce((sum, lost) => sum + lost, 0)),
        heartbeat === null ? '-' : strikesOf(heartbeat.strikes),
      ]),
    ]),
  ].join('\n')
}

const strikesOf = ({ active, unavailable }: z.infer<typeof heartbeatSchema>['strikes']) =>
  `${active.length} in the kernel, ${unavailable.length} by verdict`
