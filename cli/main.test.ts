import { execFileSync } from 'node:child_process'
import { expect, test } from '@jest/globals'
import { main } from './main.ts'
import type { Terminal } from './terminal.ts'

function terminal() {
  const printed: string[] = []
  const said: string[] = []
  const fake: Terminal = {
    print: (line) => void printed.push(line),
    say: (line) => void said.push(line),
    environment: {},
    directory: '/',
    isRoot: false,
    paint: (_, text) => text,
  }
  return { fake, printed: () => printed.join('\n'), said: () => said.join('\n') }
}

async function run(...argv: string[]) {
  const { fake, printed, said } = terminal()
  const code = await main(argv, fake)
  return { code, printed: printed(), said: said() }
}

test('every command has a help text that says what it does, and the groups have examples', async () => {
  const { printed } = await run('--help')
  const names = [...printed.matchAll(/^ {2}([a-z][a-z-]+)/gm)].map(([, name]) => name ?? '')
  expect(names).toContain('completion')
  for (const name of names.filter((one) => one !== 'help')) {
    const help = await run(name, '--help')
    expect(help.code).toBe(0)
    expect(help.printed).toMatch(/^Usage: riposte \S+.*\n\n\S+/)
  }
})

test('a command that does not exist is a mistake of the command line, and the nearest is named', async () => {
  const { code, said, printed } = await run('completon', 'bash')
  expect(code).toBe(2)
  expect(said).toContain('Did you mean completion?')
  expect(printed).toBe('')
})

test('bash completes commands, subcommands and flags from the generated script', async () => {
  const { printed } = await run('completion', 'bash')
  const complete = (...words: string[]) =>
    execFileSync('bash', [
      '-c',
      `${printed}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _riposte; echo "\${COMPREPLY[@]}"`,
      'bash',
      'riposte',
      ...words,
    ])
      .toString()
      .trim()
  expect(complete('compl')).toBe('completion')
  expect(complete('completion', '--h')).toBe('--help')
})
