import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { actions } from '../actions/index.ts'
import { watchPolicies, type PolicyWatch } from './directory.ts'

const policy = (name: string, action = 'notify') =>
  `apiVersion: riposte.dev/v1alpha1\nkind: ClusterResponsePolicy\nmetadata: { name: ${name} }
spec: { match: { rules: { tags: [x] } }, ladder: [{ name: one, do: [${action}] }] }\n`

let root: string
let watches: PolicyWatch[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'riposte-'))
})
afterEach(() => {
  for (const one of watches) one.stop()
  watches = []
  rmSync(root, { recursive: true })
})

function watch(directory: string) {
  const changed = { resolve: () => {} }
  const next = () =>
    new Promise<void>((resolve) => {
      changed.resolve = resolve
    })
  const policies = watchPolicies({
    directory,
    actions,
    lastGoodFile: join(root, 'last-good.json'),
    onChange: () => {
      changed.resolve()
    },
  })
  watches.push(policies)
  return { policies, next, names: () => policies.set().policies.map(({ name }) => name) }
}

test('a changed file comes into force by itself; hidden files and other endings do not count', async () => {
  writeFileSync(join(root, 'a.yaml'), policy('a'))
  writeFileSync(join(root, '.hidden.yaml'), 'nonsense')
  writeFileSync(join(root, 'README.md'), 'nonsense')
  const { next, names } = watch(root)
  expect(names()).toEqual(['a'])
  const changed = next()
  writeFileSync(join(root, 'b.yml'), policy('b'))
  await changed
  expect(names()).toEqual(['a', 'b'])
})

test('a ConfigMap that is exchanged by its link comes into force', async () => {
  const mount = join(root, 'mount')
  mkdirSync(mount)
  for (const version of ['1', '2']) {
    mkdirSync(join(mount, `..${version}`))
    writeFileSync(join(mount, `..${version}`, 'p.yaml'), policy(`version-${version}`))
  }
  symlinkSync('..1', join(mount, '..data'))
  symlinkSync('..data/p.yaml', join(mount, 'p.yaml'))
  const { next, names } = watch(mount)
  expect(names()).toEqual(['version-1'])
  const changed = next()
  symlinkSync('..2', join(mount, '..data_tmp'))
  renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
  await changed
  expect(names()).toEqual(['version-2'])
})

test('a mistake leaves what was in force in force, and a restart beside it as well', async () => {
  writeFileSync(join(root, 'a.yaml'), policy('a'))
  const first = watch(root)
  const changed = first.next()
  writeFileSync(join(root, 'a.yaml'), policy('a', 'notfy'))
  await changed
  expect(first.names()).toEqual(['a'])
  expect(first.policies.problems()).toHaveLength(1)
  const restarted = watch(root)
  expect(restarted.names()).toEqual(['a'])
  expect(restarted.policies.problems()).toHaveLength(1)
})

test('a directory that is not there is a problem, not an empty set of policies', () => {
  expect(watch(join(root, 'nope')).policies.problems()[0]?.message).toMatch('cannot be read')
})
