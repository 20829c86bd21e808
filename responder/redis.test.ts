import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { eventually } from '../e2e/estate.ts'
import { startRedis } from './redis.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'riposte-redis-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})
const connect = (path: string) => new Redis({ path })

test('it listens on a socket that only its user may use, keeps everything, and evicts nothing', async () => {
  await using own = await startRedis(directory)
  const redis = connect(own.address.path)
  const settings = await Promise.all(
    ['port', 'appendonly', 'appendfsync', 'maxmemory-policy'].map((name) =>
      redis.config('GET', name),
    ),
  )
  redis.disconnect()
  expect(settings.flat().filter((_, index) => index % 2 === 1)).toEqual([
    '0',
    'yes',
    'everysec',
    'noeviction',
  ])
  expect(statSync(own.address.path).mode & 0o777).toBe(0o600)
  expect(statSync(directory).mode & 0o777).toBe(0o700)
})

test('after kill -9 it is started again with what it held', async () => {
  await using own = await startRedis(directory)
  const redis = connect(own.address.path)
  await redis.set('kept', 'yes')
  const before = own.pid()
  process.kill(before ?? 0, 'SIGKILL')
  await eventually(() => own.restarts() === 1 && own.pid() !== undefined && own.pid() !== before)
  expect(await redis.get('kept')).toBe('yes')
  redis.disconnect()
})

test('a file that it cannot read is put aside, and it starts empty', async () => {
  {
    await using first = await startRedis(directory)
    const redis = connect(first.address.path)
    await redis.set('kept', 'yes')
    redis.disconnect()
  }
  const data = join(directory, 'appendonlydir')
  mkdirSync(data, { recursive: true })
  for (const file of readdirSync(data)) writeFileSync(join(data, file), 'not a Redis file')
  await using own = await startRedis(directory)
  expect(own.pid()).toBeDefined()
  expect(readdirSync(directory).some((name) => name.startsWith('appendonlydir.unreadable'))).toBe(
    true,
  )
}, 30_000)

test('one that an earlier run left behind is replaced, and no two share the socket', async () => {
  const socket = join(directory, 'redis.sock')
  const options = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', '']
  const left = spawn('redis-server', options, { stdio: 'ignore' })
  const exit = once(left, 'exit')
  await eventually(() => existsSync(socket))
  await using own = await startRedis(directory)
  await exit
  expect(own.pid()).not.toBe(left.pid)
})

test("somebody else's Redis is not touched", async () => {
  const other = mkdtempSync(join(tmpdir(), 'riposte-other-'))
  const socket = join(directory, 'redis.sock')
  const options = ['--port', '0', '--unixsocket', socket, '--dir', other, '--save', '']
  const theirs = spawn('redis-server', options, { stdio: 'ignore' })
  const exit = once(theirs, 'exit')
  await eventually(() => existsSync(socket))
  await expect(startRedis(directory)).rejects.toThrow(/belongs to a Redis that works in/)
  expect(theirs.exitCode).toBeNull()
  theirs.kill()
  await exit
  rmSync(other, { recursive: true, force: true })
})

test('at the end nothing of it runs', async () => {
  const own = await startRedis(directory)
  const pid = own.pid()
  await own[Symbol.asyncDispose]()
  expect(existsSync(`/proc/${pid}`)).toBe(false)
  expect(existsSync(own.address.path)).toBe(false)
})

test('a path too long for a socket is said so', async () => {
  await expect(startRedis(join(directory, 'x'.repeat(100)))).rejects.toThrow(/shorter --data/)
})
