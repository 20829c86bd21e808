import { expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventFrom, hostRoot, testState, valueOf } from './testing.ts'

const login = (uid: number, loginuid: number) => ({
  event: 'execve',
  pid: 4,
  userId: uid,
  parameters: { res: 0, comm: 'id', loginuid, gid: 27, cgroups: ['/user.slice'] },
})
const files = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nwww:x:33:33::/var/www:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\nsudo:x:27:eve\n',
}

test('users and groups have the names of the host', () => {
  using root = hostRoot(files)
  const event = eventFrom(testState({ hostRoot: root.path }), login(33, 0))
  expect(valueOf(event, 'user.uid')).toBe(33)
  expect(valueOf(event, 'user.name')).toBe('www')
  expect(valueOf(event, 'user.homedir')).toBe('/var/www')
  expect(valueOf(event, 'user.shell')).toBe('/usr/sbin/nologin')
  expect(valueOf(event, 'user.loginuid')).toBe(0)
  expect(valueOf(event, 'user.loginname')).toBe('root')
  expect(valueOf(event, 'group.name')).toBe('sudo')
})

test('an unknown user is <NA>, user 0 is root also without a file, and nobody logged in is -1', () => {
  using root = hostRoot({})
  const event = eventFrom(testState({ hostRoot: root.path }), login(0, 0xffff_ffff))
  expect(valueOf(event, 'user.name')).toBe('root')
  expect(valueOf(event, 'group.name')).toBe('<NA>')
  expect(valueOf(event, 'user.loginuid')).toBe(-1)
  expect(valueOf(event, 'user.loginname')).toBe('<NA>')
  expect(valueOf(eventFrom(event.state, login(9, 9)), 'user.homedir')).toBe('<NA>')
})

test('a user that is added is known after the next look', () => {
  using root = hostRoot(files)
  const event = eventFrom(testState({ hostRoot: root.path }), login(1000, 1000))
  expect(valueOf(event, 'user.name')).toBe('<NA>')
  writeFileSync(
    join(root.path, 'etc/passwd'),
    `${files['etc/passwd']}eve:x:1000:1000::/home/eve:/bin/sh\n`,
  )
  event.state.refresh()
  expect(valueOf(event, 'user.name')).toBe('eve')
})
