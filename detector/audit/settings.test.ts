import { expect, test } from '@jest/globals'
import { loadConfig } from '../config.ts'

const plugin = (open: string, init: unknown = '') =>
  `plugins=${JSON.stringify([{ name: 'k8saudit', open_params: open, init_config: init }, { name: 'json' }])}`

const load = (...overrides: readonly string[]) => {
  const { config, problems } = loadConfig({ file: undefined, overrides, environment: {} })
  return { config, messages: problems.map(({ message }) => message).join('\n') }
}

const only = 'riposte.enable_sources[]=k8s_audit'

test('without a plugin for it there is only syscall; an entry that is not loaded changes nothing', () => {
  expect(load().config).toMatchObject({ source: 'syscall' })
  expect(load(plugin('https://:9765/k8s-audit'), 'load_plugins=[]').config).toMatchObject({
    source: 'syscall',
    audit: undefined,
  })
})

test("falco.yaml's plugin entry says where events come in", () => {
  const file = load(plugin('/var/log/audit.jsonl'), 'riposte.disable_sources[]=syscall')
  expect(file.config).toMatchObject({
    source: 'k8s_audit',
    audit: {
      kind: 'file',
      path: '/var/log/audit.jsonl',
      isFollowed: false,
      maxEventBytes: 262_144,
    },
  })
  const init = { sslCertificate: '/c.pem', maxEventSize: 4096, useAsync: false }
  const webhook = load(
    plugin('https://:9765/k8s-audit', init),
    only,
    'riposte.k8s_audit.token_file=/t',
  )
  expect(webhook.config?.audit).toMatchObject({
    kind: 'webhook', isTls: true, host: '', port: 9765, path: '/k8s-audit', certificateFile: '/c.pem', keyFile: '/c.pem',
    tokenFile: '/t', maxEventBytes: 4096, maxBodyBytes: 12_582_912,
  }) // prettier-ignore
  const text = load(plugin('http://[::1]:80/a', JSON.stringify(init)), only)
  expect(text.config?.audit).toMatchObject({ isTls: false, host: '::1', path: '/a', maxEventBytes: 4096 }) // prettier-ignore
})

test.each([
  ['both sources at once', [plugin('/x')], /a process of its own/],
  ['no source at all', ['riposte.disable_sources[]=syscall'], /no event source is left/],
  ['enabled without a plugin', [only], /needs an entry k8saudit in plugins/],
  ['a source that there is not', ['riposte.enable_sources[]=k8saudit'], /did you mean k8s_audit/],
  ['enabled and disabled', [only, 'riposte.disable_sources[]=syscall', plugin('/x')], /not both/],
  ['open to everybody', [plugin('https://:9765/a'), only], /anybody could post events/],
  ['open to everybody on an address', [plugin('http://10.0.0.1:9765/a'), only], /anybody could post events/],
  ['certificates without TLS', [plugin('http://:1/a'), only, 'riposte.k8s_audit.client_ca_file=/c'], /need https/],
  ['a door that is none', [plugin('ftp://x'), only], /expected http/],
  ['an empty door', [plugin(''), only], /open_params is empty/],
  ['a size that is none', [plugin('/x', { maxEventSize: 'big' }), only], /init_config: maxEventSize/],
])('%s is a problem with its remedy', (_what, overrides, message) => {
  const { config, messages } = load(...overrides)
  expect(config).toBeUndefined()
  expect(messages).toMatch(message)
}) // prettier-ignore

test('on loopback, or when the operator says so, nobody has to prove who it is', () => {
  for (const host of ['127.0.0.1', 'localhost', '[::1]'])
    expect(load(plugin(`http://${host}:1/a`), only).config).toBeDefined()
  const said = 'riposte.k8s_audit.allow_unauthenticated=true'
  expect(load(plugin('https://:1/a'), only, said).config).toBeDefined()
})
