import { expect, test } from '@jest/globals'
import type { Machine } from './check.ts'
import { checks } from './checks.ts'

const healthy: Record<string, string> = {
  '/proc/sys/kernel/osrelease': '6.1.0-37-amd64\n',
  '/proc/self/status': 'CapEff:\t000001ffffffffff\n',
  '/sys/kernel/security/lsm': 'lockdown,capability,bpf',
  '/proc/self/mountinfo': '30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
}

function run(name: string, files: Record<string, string> = {}, more: Partial<Machine> = {}) {
  const machine: Machine = {
    read: (path) => ({ ...healthy, ...files })[path],
    exists: () => true,
    which: (program) => `/usr/bin/${program}`,
    isRoot: true,
    data: '/var/lib/riposte',
    freeBytes: () => 1024 ** 4,
    projectRoot: '/opt/riposte',
    scope: () => ({ name: 'host', level: 0 }),
    ...more,
  }
  return checks.find(([known]) => known === name)?.[1](machine)
}

test('a machine that has everything has nothing to do', () => {
  for (const [name] of checks) expect(run(name)).toMatchObject({ level: 'ok', remedy: null })
})

test('a kernel before 5.15 is a problem, one from 5.15 on is not', () => {
  expect(run('kernel', { '/proc/sys/kernel/osrelease': '5.10.0-8' })?.level).toBe('problem')
  expect(run('kernel', { '/proc/sys/kernel/osrelease': '5.15.0' })?.level).toBe('ok')
})

const without = (bits: bigint) => ({
  '/proc/self/status': `CapEff:\t${(0x1ffffffffffn & ~bits).toString(16)}\n`,
})

test('what a missing capability is for is told, and only those that are needed are a problem', () => {
  expect(run('capabilities', without(1n << 39n))).toMatchObject({
    level: 'problem',
    found: 'without BPF',
  })
  expect(run('capabilities', without(1n << 12n))).toMatchObject({
    level: 'warning',
    found: 'without NET_ADMIN (block_network)',
  })
})

test('every problem says what to do', () => {
  const nothing = {
    exists: () => false,
    which: () => undefined,
    read: () => undefined,
    freeBytes: () => 0,
  }
  const findings = checks.map(([name]) => run(name, {}, nothing))
  const toDo = findings.filter((finding) => finding?.level !== 'ok')
  expect(toDo.length).toBeGreaterThan(5)
  for (const finding of toDo) expect(finding?.remedy).toMatch(/\w+ /)
})

test('a pod whose service account is mounted by half is told what is missing', () => {
  expect(run('service account', {}, { exists: (path) => !path.endsWith('/token') })).toMatchObject({
    level: 'problem',
    found: expect.stringMatching(/^token missing in /),
  })
  expect(run('service account', {}, { exists: () => false })).toMatchObject({ level: 'ok' })
})
