/** One holder on this machine at a time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { exclusively } from './lock.ts'

const name = `lock-test-${process.pid}`

test('work under one name is done in turn, under another at once', async () => {
  const done: string[] = []
  const { promise: isOver, resolve: letGo } = Promise.withResolvers<undefined>()
  const first = exclusively(name, async () => {
    await isOver
    done.push('first')
  })
  const second = exclusively(name, async () => void done.push('second'))
  await exclusively(`${name}-other`, async () => void done.push('other'))
  letGo(undefined)
  await Promise.all([first, second])

  expect(done).toEqual(['other', 'first', 'second'])
})

test('work that fails lets go, and says so', async () => {
  const failing = exclusively(name, () => Promise.reject(new Error('no')))

  await expect(failing).rejects.toThrow('no')
  expect(await exclusively(name, async () => 'done')).toBe('done')
})

test('a holder that is killed lets go', async () => {
  const lock = JSON.stringify(join(import.meta.dirname, 'lock.ts'))
  const hold = `const { exclusively } = await import(${lock})
    await exclusively('${name}', () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000) }))`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', hold], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  const waiting = exclusively(name, async () => 'mine')
  holder.kill('SIGKILL')

  expect(await waiting).toBe('mine')
})
