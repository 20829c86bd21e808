/** Reads the repository's Dockerfile as far as it uses the language: what builds here is configured by the same lines. */
import { readFileSync } from 'node:fs'
import type { ImageConfig } from '../../e2e/cluster/image-archive.ts'

export interface Instruction {
  readonly name: string
  /** Continued lines are one. */
  readonly text: string
}

export interface Stage {
  readonly from: string
  readonly name: string | null
  readonly instructions: readonly Instruction[]
}

export function readDockerfile(path: string): Stage[] {
  const text = readFileSync(path, 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
  const stages: (Stage & { instructions: Instruction[] })[] = []
  for (const line of text.split('\n')) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.+)$/.exec(line.trim()) ?? []
    if (name === 'FROM') {
      const [from = '', , stage = null] = rest.split(/\s+/)
      stages.push({ from, name: stage, instructions: [] })
    } else if (name !== '') stages.at(-1)?.instructions.push({ name, text: rest.trim() })
  }
  return stages
}

/** What the Dockerfile decides of the image's configuration. */
export function configOf(stage: Stage): ImageConfig {
  const all = (name: string): string[] =>
    stage.instructions.filter((each) => each.name === name).map(({ text }) => text)
  const last = (name: string): string => all(name).at(-1) ?? ''
  const variables = pairsOf(all('ARG').join(' '), {})
  return {
    entrypoint: wordsOf(last('ENTRYPOINT')),
    command: wordsOf(last('CMD')),
    user: last('USER'),
    workingDirectory: last('WORKDIR'),
    env: pairsOf(all('ENV').join(' '), variables),
    labels: pairsOf(all('LABEL').join(' '), variables),
    ports: all('EXPOSE').map((port) => `${port}/tcp`),
  }
}

/** `["a", "b"]`: the only form that starts no shell. */
function wordsOf(text: string): string[] {
  const words: unknown = JSON.parse(text)
  if (!Array.isArray(words)) throw new Error(`${text} is no list of words`)
  return words.map(String)
}

/** `KEY=value KEY="value of words"`, with `$ARG` filled in by its default. */
function pairsOf(
  text: string,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const pairs = [...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)]
  return Object.fromEntries(
    pairs.map(([, key = '', quoted, bare = '']) => [
      key,
      (quoted ?? bare).replaceAll(/\$(\w+)/g, (_, name: string) => variables[name] ?? ''),
    ]),
  )
}
