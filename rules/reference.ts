/** docs/reference/rules.md, printed from the rule files: `node scripts/print-rules.ts`. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LoadedRule } from '../detector/engine/load/compile-rules.ts'
import { loadRules } from '../detector/engine/load/load.ts'
import { ruleSources } from '../detector/rule-sources.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

export interface OwnFile {
  readonly name: string
  readonly text: string
  readonly rules: readonly LoadedRule[]
}

/** In the order in which they load. Our files have no mistakes, which rules.test.ts sees to. */
export function ownFiles(): OwnFile[] {
  const files = readdirSync(here)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .map((name) => ({ name, text: readFileSync(join(here, name), 'utf8') }))
  const { rules } = loadRules(files, { sources: ruleSources })
  return files.map(({ name, text }) => ({
    name,
    text,
    rules: rules.filter((rule) => new RegExp(`^- rule: ${rule.name}$`, 'm').test(text)),
  }))
}

export function rulesReference(): string {
  const files = ownFiles()
  const sections = files.filter(({ rules }) => rules.length > 0).map(section)
  const count = files.flatMap(({ rules }) => rules).length
  return `# Rules

The ${count} rules that Riposte comes with, printed from the files in \`rules/\`. They load in the order of this page, and of those that
match one event the first is told (\`rule_matching: all\` tells every one). Each is tested against the live kernel by the act that it
is about and by a harmless neighbour of it; those on Kubernetes audit by events. How to silence or narrow one is in [tune a rule](../how-to/tune-a-rule.md).

${sections.join('\n')}
## Macros that are yours

They are never true until you say what is normal on your machines, in \`rules/99-local.yaml\`.

${placesForUsers(files)}
`
}

function section({ name, text, rules }: OwnFile): string {
  const [comment = ''] = text.split('\n')
  const rows = rules.map(
    ({ name: rule, priority, tags, desc }) =>
      `| ${rule} | ${priority.toLowerCase()} | ${techniques(tags)} | ${oneLine(desc)} |`,
  )
  return `## ${comment.replace(/^# /, '').replace(/\.$/, '')}

In \`rules/${name}\`.

| rule | priority | ATT&CK | what it tells |
| ---- | -------- | ------ | ------------- |
${rows.join('\n')}
`
}

const oneLine = (text: string) => text.trim().replaceAll(/\s+/g, ' ')

/** T1003.008 → its page. */
const techniques = (tags: readonly string[]) =>
  tags
    .filter(isTechnique)
    .map((tag) => `[${tag}](https://attack.mitre.org/techniques/${tag.replace('.', '/')}/)`)
    .join(' ')

export const isTechnique = (tag: string): boolean => /^T\d{4}(?:\.\d{3})?$/.test(tag)

function placesForUsers(files: readonly OwnFile[]): string {
  const names = files.flatMap(({ text }) =>
    [...text.matchAll(/^- macro: (user_known_\w+)$/gm)].flatMap(([, name]) => name ?? []),
  )
  return names
    .map((name) => {
      const users = files
        .flatMap(({ rules }) => rules)
        .filter(({ usedMacros }) => usedMacros.includes(name))
        .map((rule) => rule.name)
      return `- \`${name}\`: ${users.join(', ')}`
    })
    .join('\n')
}
