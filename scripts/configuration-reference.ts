/** docs/reference/configuration.md, printed from the two schemas: `node scripts/print-configuration.ts`. */
import { settingsTable } from '../contract/settings-table.ts'
import { falcoSchema, riposteSchema, withoutEffect } from '../detector/config-schema.ts'
import { responderSchema } from '../responder/config.ts'
import { kinds } from '../responder/notifiers/index.ts'

export const configurationReference = (): string => `# Configuration

Printed from \`detector/config-schema.ts\` and \`responder/config.ts\` by \`node scripts/print-configuration.ts\`; do not edit. On Kubernetes
the chart writes both files: [its values](../../charts/riposte/README.md) are what you set there.

A file with a mistake is refused as a whole, with every mistake at its line and column; \`riposte detect --dry-run\` and
\`riposte doctor\` say so before anything starts. Secrets are never values: a key that ends in \`File\` or \`_file\` names the file that
holds one.

## Detector

\`riposte detect -c falco.yaml\`, \`riposte run -c falco.yaml\`. The file is Falco's falco.yaml with one key more, \`riposte\`; flags come
before the environment, the environment before the file. Any key can be set by \`-o key=value\`, and what is text under \`riposte\` by
a variable: \`RIPOSTE_RESPONDER_URL\` is \`riposte.responder.url\`. An unknown key is a warning that names the nearest one, as Falco
starts in spite of it.

### Under \`riposte\`

${settingsTable(riposteSchema, 'riposte.')}

### Falco's keys

With Falco's names, defaults and meaning. Accepted without effect, so that a falco.yaml can stay as it is:
${[...withoutEffect]
  .toSorted()
  .map((key) => `\`${key}\``)
  .join(', ')}.

${settingsTable(falcoSchema)}

## Responder

\`riposte respond --responder-config FILE\`, \`riposte run --responder-config FILE\`. Keys at the top level can be set by a variable as
well: \`RIPOSTE_PUBLIC_URL\` is \`publicUrl\`, and \`REDIS_URL\` is \`redisUrl\`. An unknown key is an error.

${settingsTable(responderSchema)}

### Notifiers

Each has a name that policies use and a \`kind\`, with what the kind asks for beside it:

\`\`\`yaml
notifiers:
  on_call: { kind: slack, urlFile: /etc/riposte/slack-url }
\`\`\`

${kinds.map(({ kind, summary, settings }) => `\`${kind}\`: ${summary}.\n\n${settingsTable(settings)}`).join('\n\n')}
`
