import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { needs } from '../needs.ts'
import { buildRoot, user } from './root.ts'

const root = mkdtempSync(join(tmpdir(), 'riposte-root-test-'))

beforeAll(() => {
  buildRoot(root)
}, 120_000)

afterAll(() => {
  rmSync(root, { recursive: true, force: true })
})

/** In a mount namespace of its own, so that nothing stays mounted: the root read-only, /proc there as in a container. */
const inside = (uid: number, ...command: readonly string[]) =>
  spawnSync(
    'unshare',
    [
      '--mount',
      'sh',
      '-ec',
      `mount --bind "$0" "$0"; mount -o remount,ro,bind "$0"; mount -t proc proc "$0/proc"; uid=$1; shift
      exec chroot --userspec=$uid:$uid "$0" "$@"`,
      root,
      String(uid),
      ...command,
    ],
    { encoding: 'utf8' },
  )

const files = () =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !path.startsWith('proc'),
  )

/** As the chart's readiness probe asks. */
const probe = (file: string) =>
  inside(user, '/usr/bin/find', file, '-mmin', '+0.2', '-exec', 'false', '{}', '+').status

const live = needs('root', 'ebpf')

live('riposte starts as nobody in particular on a read-only root', () => {
  const { stdout, stderr, status } = inside(user, '/usr/bin/riposte', '--version')
  expect([stderr, stdout, status]).toEqual(['', '0.1.0\n', 0])
})

live('the detector loads its rules and the responder its code from what is in the image', () => {
  expect(inside(0, '/usr/bin/riposte', 'detect', '--dry-run')).toMatchObject({ status: 0 })
  // It goes as far as the data directory, which it may not write here: every import has been found by then.
  const responder = inside(user, '/usr/bin/riposte', 'respond', '--data', '/var/lib/riposte')
  expect(responder.stderr).toContain('/var/lib/riposte')
  expect(responder.stderr).not.toContain('ERR_MODULE_NOT_FOUND')
})

live('the addon finds its libraries there', () => {
  const script = `require('/opt/riposte/build/riposte.node')`
  expect(inside(user, '/usr/bin/node', '-e', script)).toMatchObject({ status: 0, stderr: '' })
})

live('the probe tells a file that is touched from one that is old or missing', () => {
  execFileSync('touch', [join(root, 'run/fresh')])
  execFileSync('touch', ['-d', '1 minute ago', join(root, 'run/old')])
  expect([probe('/run/fresh'), probe('/run/old'), probe('/run/missing')]).toEqual([0, 1, 1])
})

test('there is no shell, no package manager, no test and no secret in it', () => {
  const found = files()
  expect(
    found.filter((path) => /(?:^|\/)(?:sh|bash|dash|busybox|apt|npm|gcc|curl)$/.test(path)),
  ).toEqual([])
  expect(found.filter((path) => /\.(?:test|bench)\.ts$|\.(?:pem|key)$|\.env/.test(path))).toEqual(
    [],
  )
  expect(found.filter((path) => path.endsWith('.d.ts'))).toEqual([])
})

test('what only develops is not in it, what runs is', () => {
  const modules = join(root, 'opt/riposte/node_modules')
  for (const name of ['jest', 'typescript', 'oxlint', '@types', 'node-addon-api'])
    expect([name, existsSync(join(modules, name))]).toEqual([name, false])
  for (const name of ['zod', 'bullmq', '@kubernetes/client-node', 'undici'])
    expect([name, existsSync(join(modules, name, 'package.json'))]).toEqual([name, true])
})

test('nobody but root may write there, but into /tmp and the data directory', () => {
  const loose = files().filter((path) => {
    const found = statSync(join(root, path), { throwIfNoEntry: false })
    return found !== undefined && (found.mode & 0o022) !== 0
  })
  expect(loose.toSorted()).toEqual(['tmp', 'var/lib/riposte'])
})

test('scanners learn the version of every package of Debian that is in it', () => {
  const states = readdirSync(join(root, 'var/lib/dpkg/status.d'))
  expect(states).toEqual(expect.arrayContaining(['libc6', 'libbpf1', 'libelf1', 'ca-certificates']))
  for (const name of states)
    expect(existsSync(join(root, 'usr/share/doc', name, 'copyright'))).toBe(true)
})

test('it is less than 250 MB', () => {
  const bytes = Number(execFileSync('du', ['-sb', root], { encoding: 'utf8' }).split('\t')[0])
  expect(bytes / 1e6).toBeLessThan(250)
})
