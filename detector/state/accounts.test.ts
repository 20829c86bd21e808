import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { hostRoot } from '../fields/testing.ts'
import { hostAccounts, readAccounts } from './accounts.ts'

const passwd = 'app:x:10:10::/app:/bin/sh\nagain:x:10:10::/:/\nbroken\n::::\n'

test('the first of two lines with a number counts, and broken ones do no harm', () => {
  using root = hostRoot({ 'etc/passwd': passwd })
  expect([...hostAccounts(root.path, undefined).users]).toEqual([
    [10, { name: 'app', home: '/app', shell: '/bin/sh' }],
  ])
})

test('files that did not change are not read again', () => {
  using root = hostRoot({ 'etc/passwd': passwd })
  const first = hostAccounts(root.path, undefined)
  expect(hostAccounts(root.path, first)).toBe(first)
})

test("a container's accounts are read below its root", () => {
  using directory = hostRoot({ 'root/etc/passwd': passwd, mountinfo: mountOf('/', 'overlay') })
  expect(readAccounts(directory.path, undefined).users.get(10)?.name).toBe('app')
})

test.each([['fuse.evil'], ['nfs4']])('on a file system of type %s nothing is opened', (type) => {
  using directory = hostRoot({ 'root/etc/passwd': passwd, mountinfo: mountOf('/etc', type) })
  expect(readAccounts(directory.path, undefined).users.size).toBe(0)
})

test('a link out of the container is not followed', () => {
  using directory = hostRoot({ 'root/etc/group': '', mountinfo: mountOf('/', 'overlay') })
  symlinkSync('/etc/passwd', join(directory.path, 'root/etc/passwd'))
  expect(readAccounts(directory.path, undefined).users.size).toBe(0)
})

test('a pipe in place of the file does not hold us', () => {
  using directory = hostRoot({ 'root/etc/group': '', mountinfo: mountOf('/', 'overlay') })
  execFileSync('bash', ['-c', 'mkfifo root/etc/passwd'], { cwd: directory.path })
  expect(readAccounts(directory.path, undefined).users.size).toBe(0)
})

const mountOf = (point: string, type: string) => `36 35 98:0 / ${point} rw - ${type} none rw\n`
