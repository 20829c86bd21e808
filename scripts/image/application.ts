/** What of the repository goes into the image, below /opt/riposte. The Dockerfile's build stage and the tests use this list. */
import { cpSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

/** As the sources stand: Node runs the TypeScript itself. */
const sources = ['cli', 'contract', 'detector', 'responder']
const files = ['package.json', 'LICENSE', 'build/riposte.node']

/** Tests, benches and what only they read stay outside. */
const isShipped = (path: string): boolean => {
  const name = basename(path)
  if (name === 'node_modules' || name === 'testing' || name.endsWith('.d.ts')) return false
  if (/\.(?:test|bench|fixture|sample)\.ts$|^testing\.ts$|^tsconfig.*\.json$/.test(name))
    return false
  return !/\.(?:c|md)$/.test(name)
}

const isYaml = (path: string): boolean => statSync(path).isDirectory() || path.endsWith('.yaml')

export function copyApplication(repository: string, to: string): void {
  const copy = (name: string, filter: (path: string) => boolean): void => {
    cpSync(join(repository, name), join(to, name), { recursive: true, filter })
  }
  for (const name of sources) copy(name, isShipped)
  for (const name of ['rules', 'policies']) copy(name, isYaml)
  for (const name of [...files, ...bpfObjects(repository)]) copy(name, () => true)
}

/** Without them there is nothing to ship, so none is a failure and not an image that cannot detect. */
function bpfObjects(repository: string): string[] {
  const names = readdirSync(join(repository, 'build')).filter((name) => name.endsWith('.bpf.o'))
  if (names.length === 0) throw new Error('build/ holds no BPF object: run make first')
  return names.map((name) => `build/${name}`)
}
