import { expect, test } from '@jest/globals'
import type { RecordSource } from '../events/encode.ts'
import { eventFrom, testState, valueOf } from './testing.ts'

const shell: RecordSource = {
  event: 'execve',
  pid: 10,
  startTimeNs: 5n,
  parameters: { res: 0, comm: 'bash', cwd: '/home/eve', vpid: 10 },
}
const opened: RecordSource = {
  event: 'openat',
  pid: 10,
  startTimeNs: 5n,
  parameters: {
    fd: 3,
    dirfd: -100,
    name: '../..//tmp/./link',
    path: '/etc/shadow',
    dirpath: '/home/eve',
    flags: 0o2000000,
    mode: 0,
    dev: 0x10303,
    ino: 77,
    inode_mode: 0o100640,
    file_state: 4,
  },
}
const event = eventFrom(testState(), shell, opened)

test.each([
  ['fd.num', 3],
  ['fd.type', 'file'],
  ['fd.typechar', 'f'],
  ['fd.name', '/etc/shadow'],
  ['fd.nameraw', '../../tmp/./link'],
  ['fd.directory', '/etc'],
  ['fd.filename', 'shadow'],
  ['fd.containername', ':/etc/shadow'],
  ['fd.containerdirectory', ':/etc'],
  ['fd.uid', '103'],
  ['fd.dev', 0x10303],
  ['fd.dev.major', 0x103],
  ['fd.dev.minor', 3],
  ['fd.ino', 77],
  ['fd.is_upper_layer', false],
  ['fd.is_lower_layer', true],
  ['fd.name_differs', true],
  ['fd.name_passed', '/tmp/link'],
  ['fd.l4proto', '<NA>'],
  ['fd.sockfamily', undefined],
  ['fs.path.name', '/etc/shadow'],
  ['fs.path.nameraw', '../..//tmp/./link'],
  ['evt.abspath', '/tmp/link'],
  ['evt.is_open_read', true],
  ['evt.is_open_write', false],
  ['evt.is_open_exec', false],
  ['evt.is_open_create', false],
  ['evt.arg.flags', 'O_RDONLY|O_CLOEXEC|FD_LOWER_LAYER'],
  ['evt.arg.name', '/tmp/link'],
  ['evt.arg.fd', '<f>/etc/shadow'],
  ['evt.arg.dirfd', 'AT_FDCWD'],
  ['evt.arg[0]', '<f>/etc/shadow'],
  ['evt.rawarg.flags', 0x1_1001],
  [
    'evt.args',
    'fd=3(<f>/etc/shadow) dirfd=-100(AT_FDCWD) name=../..//tmp/./link(/tmp/link) ' +
      'flags=69633(O_RDONLY|O_CLOEXEC|FD_LOWER_LAYER) mode=0 dev=10303 ino=77',
  ],
])('%s of an open through a symlink is %j', (field, expected) => {
  expect(valueOf(event, field)).toEqual(expected)
})

test('in its second pass an open goes by the name that was passed', () => {
  const second = eventFrom(testState(), shell, opened)
  expect(valueOf(second, 'fd.name')).toBe('/etc/shadow')
  second.nameInUse = 'passed'
  expect(valueOf(second, 'fd.name')).toBe('/tmp/link')
  expect(valueOf(second, 'fd.directory')).toBe('/tmp')
  expect(valueOf(second, 'fs.path.name')).toBe('/tmp/link')
})

test('an open that found nothing still has the name that was asked for', () => {
  const failed = eventFrom(testState(), shell, {
    ...opened,
    parameters: { fd: -2, dirfd: -100, name: 'nothing', flags: 0o101, mode: 0o644 },
  })
  expect(valueOf(failed, 'fd.name')).toBe('/home/eve/nothing')
  expect(valueOf(failed, 'fd.directory')).toBe('/home/eve')
  expect(valueOf(failed, 'fd.typechar')).toBe('f')
  expect(valueOf(failed, 'fd.filename')).toBeUndefined()
  expect(valueOf(failed, 'fd.name_differs')).toBe(false)
  expect(valueOf(failed, 'evt.is_open_write')).toBe(true)
  expect(valueOf(failed, 'evt.res')).toBe('ENOENT')
})

test.each([
  ['/etc', 0o040755, 'directory', 'd', '/etc'],
  ['pipe:[812]', 0o010600, 'pipe', 'p', undefined],
  ['anon_inode:[eventfd]', undefined, 'event', 'e', undefined],
  ['/memfd:x (deleted)', 0o100777, 'memfd', 'm', undefined],
  ['/dev/null', 0o020666, 'file', 'f', '/dev'],
])('a descriptor of %s is a %s', (path, inodeMode, type, character, directory) => {
  const dup = eventFrom(testState(), shell, {
    event: 'dup2',
    pid: 10,
    startTimeNs: 5n,
    parameters: { res: 0, oldfd: 5, newfd: 0, path, inode_mode: inodeMode },
  })
  expect(valueOf(dup, 'fd.type')).toBe(type)
  expect(valueOf(dup, 'fd.typechar')).toBe(character)
  expect(valueOf(dup, 'fd.directory')).toBe(directory)
  expect(valueOf(dup, 'fd.num')).toBe(0)
})

test.each([
  [{ event: 'creat', parameters: { fd: 3, mode: 0o755, file_state: 1 } }, true, true],
  [{ event: 'open', parameters: { fd: 3, flags: 0o101, mode: 0o644, file_state: 1 } }, false, true],
  [{ event: 'open', parameters: { fd: 3, flags: 0o101, mode: 0o700 } }, true, false],
  [{ event: 'openat2', parameters: { fd: 3, flags: 0o20200002, mode: 0o600 } }, false, true],
])('%j: created executable %j, created %j', (record, isExec, isCreate) => {
  const one = eventFrom(testState(), { pid: 10, ...record })
  expect(valueOf(one, 'evt.is_open_exec')).toBe(isExec)
  expect(valueOf(one, 'evt.is_open_create')).toBe(isCreate)
})

test.each([
  [
    'renameat2',
    {
      res: 0,
      olddirfd: 5,
      oldpath: 'a',
      newdirfd: -100,
      newpath: '/b//c',
      olddirpath: '/srv',
      newdirpath: '/home',
    },
    {
      'fs.path.source': '/srv/a',
      'fs.path.sourceraw': 'a',
      'fs.path.target': '/b/c',
      'fs.path.targetraw': '/b//c',
      'fs.path.name': undefined,
    },
  ],
  [
    'linkat',
    { res: 0, oldpath: 'old', newpath: 'new', olddirpath: '/o', newdirpath: '/n' },
    {
      'fs.path.source': '/n/new',
      'fs.path.sourceraw': 'new',
      'fs.path.target': '/o/old',
      'fs.path.targetraw': 'old',
      'fs.path.name': undefined,
    },
  ],
  [
    'symlink',
    { res: 0, target: '/etc/shadow', linkpath: 'l', dirpath: '/tmp' },
    {
      'fs.path.source': '/tmp/l',
      'fs.path.sourceraw': 'l',
      'fs.path.target': '/etc/shadow',
      'fs.path.targetraw': '/etc/shadow',
    },
  ],
  [
    'unlinkat',
    { res: 0, name: 'x', dirpath: '/var/log' },
    { 'fs.path.name': '/var/log/x', 'fs.path.nameraw': 'x' },
  ],
  ['unlink', { res: -2, path: '/x' }, { 'fs.path.name': undefined }],
  ['chmod', { res: 0, filename: 'f', mode: 0o4755, dirpath: '/d' }, { 'fs.path.name': '/d/f' }],
  ['mkdir', { res: 0, path: 'm', dirpath: '/d' }, { 'fs.path.name': '/d/m' }],
  ['fchmod', { res: 0, fd: 3, path: '/d/f' }, { 'fs.path.name': '/d/f' }],
])('the paths of %s', (name, parameters, expected) => {
  const one = eventFrom(testState(), { event: name, pid: 10, parameters })
  for (const [field, value] of Object.entries(expected))
    expect([field, valueOf(one, field)]).toEqual([field, value])
})

test('evt.abspath has both ends of a rename', () => {
  const rename = eventFrom(testState(), {
    event: 'renameat',
    pid: 1,
    parameters: { res: 0, oldpath: 'a', newpath: 'b', olddirpath: '/x', newdirpath: '/y' },
  })
  expect(valueOf(rename, 'evt.abspath.src')).toBe('/x/a')
  expect(valueOf(rename, 'evt.abspath.dst')).toBe('/y/b')
})
