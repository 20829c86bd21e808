import { expect, test } from '@jest/globals'
import { readConfig, type ConfigSources } from './config.ts'

const read = (changes: Partial<ConfigSources>) =>
  readConfig({
    flags: {},
    environment: {},
    file: null,
    defaults: { data: '/data', policies: '/policies' },
    ...changes,
  })

const file = (text: string) => ({ name: 'responder.yaml', text })

test('without anything the defaults hold: loopback, own Redis, SQLite', () => {
  expect(read({}).config).toMatchObject({
    data: '/data',
    listen: { host: '127.0.0.1', port: 2810 },
    redisUrl: null,
    ledgerUrlFile: null,
    logLevel: 'info',
  })
})

test('flags go over the environment, the environment over the file', () => {
  const text = 'listen: 127.0.0.1:1\nlogLevel: debug\npolicies: /from-file\n'
  const environment = {
    RIPOSTE_LISTEN: '[::1]:2',
    RIPOSTE_LOG_LEVEL: 'warn',
    REDIS_URL: 'redis://r:6379',
  }
  expect(
    read({ file: file(text), environment, flags: { listen: '0.0.0.0:3' } }).config,
  ).toMatchObject({
    listen: { host: '0.0.0.0', port: 3 },
    logLevel: 'warn',
    policies: '/from-file',
    redisUrl: 'redis://r:6379',
  })
  expect(read({ environment }).config?.listen).toEqual({ host: '::1', port: 2 })
})

test('mistakes are told all at once, at their places', () => {
  const { problems } = read({ file: file('lisen: 1\nlogLevel: loud\npublicUrl: nonsense\n') })
  expect(problems.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([
    '1:1 unknown key "lisen"; did you mean listen?',
    '2:11 unknown level "loud"; known: debug, info, warn, error, silent',
    '3:12 publicUrl must be a URL',
  ])
})

test('a secret does not belong into a URL of the configuration', () => {
  const { problems } = read({ environment: { REDIS_URL: 'redis://:secret@r:6379' } })
  expect(problems[0]?.message).toMatch('must not carry a password')
  expect(JSON.stringify(problems)).not.toMatch('secret@')
})

test.each(['localhost', '127.0.0.1:99999', ':2810', '127.0.0.1:x'])(
  'listen: %s is refused',
  (listen) => {
    expect(read({ flags: { listen } }).problems).toHaveLength(1)
  },
)

const wrong = (text: string) => read({ file: file(text) }).problems.map(({ message }) => message)

test('trust and TLS that would protect nothing are mistakes', () => {
  expect(wrong('nodes: { trust: tokenreview }')).toEqual([
    expect.stringMatching(/needs nodes.serviceAccounts/),
  ])
  expect(wrong('nodes: { clientCaFile: /ca.pem }')).toEqual([expect.stringMatching(/needs TLS/)])
  expect(wrong('tls: { mode: files, keyFile: /k.pem }')).toEqual([
    expect.stringMatching(/needs tls.certificateFile/),
  ])
  expect(wrong('tls: { mode: own, caConfigMap: riposte-ca }')).toEqual([
    expect.stringMatching(/NAMESPACE\/NAME/),
  ])
  expect(
    wrong('tls: { mode: own, caConfigMap: riposte/riposte-ca, names: [riposte.svc] }'),
  ).toEqual([])
})
