import { expect, test } from '@jest/globals'
import { Logins } from './logins.ts'

const minute = 60_000

function start() {
  const time = { ms: 1_000_000 }
  return { time, logins: new Logins(() => time.ms) }
}

test('a code is good for five minutes, once', () => {
  const { time, logins } = start()
  const code = logins.issueCode('alice')
  const late = logins.issueCode('alice')
  expect(logins.redeem(code)).not.toBeNull()
  expect(logins.redeem(code)).toBeNull()
  time.ms += 5 * minute
  expect(logins.redeem(late)).toBeNull()
  expect(logins.redeem('made-up')).toBeNull()
})

test('a session rotates its token, the old one lives a moment for requests under way', () => {
  const { time, logins } = start()
  const token = logins.redeem(logins.issueCode('alice')) ?? ''
  expect(logins.use(token)).toMatchObject({ person: { name: 'alice' }, rotated: null })
  time.ms += 15 * minute
  const fresh = logins.use(token)?.rotated ?? ''
  expect(fresh).not.toBe('')
  expect(logins.use(token)).toMatchObject({ rotated: null })
  time.ms += minute
  expect(logins.use(token)).toBeNull()
  expect(logins.use(fresh)).toMatchObject({ person: { name: 'alice' } })
})

test('a session ends after an idle hour, and after twelve hours whatever happens', () => {
  const { time, logins } = start()
  let token = logins.redeem(logins.issueCode('alice')) ?? ''
  for (let elapsed = 0; elapsed < 12 * 60; elapsed += 30) {
    token = logins.use(token)?.rotated ?? token
    time.ms += 30 * minute
  }
  expect(logins.use(token)).toBeNull()
  const idle = logins.redeem(logins.issueCode('alice')) ?? ''
  time.ms += 60 * minute
  expect(logins.use(idle)).toBeNull()
})

test('a session that was closed is closed', () => {
  const { logins } = start()
  const token = logins.redeem(logins.issueCode('alice')) ?? ''
  logins.close(token)
  expect(logins.use(token)).toBeNull()
})
