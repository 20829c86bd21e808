import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { expect, test } from '@jest/globals'
import { openOutbound, type OutboundSettings } from './outbound.ts'

interface Receiver extends AsyncDisposable {
  readonly port: number
  readonly received: string[]
}

/** A real receiver on loopback; `respond` sees the number of the request, from 1. */
async function receive(
  respond: (number: number, response: ServerResponse) => void,
): Promise<Receiver> {
  const received: string[] = []
  const server = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => respond(received.push(body), response))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    received,
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const outbound = (settings: Partial<OutboundSettings> = {}, allow = ['127.0.0.1']) =>
  openOutbound({ rules: { allow }, timeoutMs: 5000, ...settings })
const hello = (url: string) => ({ url, headers: {}, body: 'hello' })
const status =
  (code: number, headers = {}) =>
  (_number: number, response: ServerResponse) =>
    void response.writeHead(code, headers).end()

test('a message is delivered, also when the receiver stumbles once', async () => {
  await using receiver = await receive((number, response) =>
    status(number === 1 ? 503 : 204)(number, response),
  )
  await using out = outbound()
  await out.post(hello(`http://127.0.0.1:${receiver.port}/hook`))
  expect(receiver.received).toEqual(['hello', 'hello'])
})

test('a receiver that says no is not asked again, one that is down is for the queue to try again', async () => {
  await using out = outbound()
  await using strict = await receive(status(400))
  const strictUrl = `http://127.0.0.1:${strict.port}/secret-path`
  await expect(out.post(hello(strictUrl))).rejects.toMatchObject({
    code: 'failed',
    retryable: false,
  })
  expect(strict.received).toEqual(['hello'])

  await using down = await receive(status(500))
  const failure = await out
    .post(hello(`http://127.0.0.1:${down.port}/secret-path`))
    .catch((error: unknown) => error)
  expect(failure).toMatchObject({
    code: 'failed',
    retryable: true,
    message: `127.0.0.1:${down.port} answered 500`,
  })
})

test('a receiver that never answers is given up in time', async () => {
  await using silent = await receive(() => undefined)
  await using out = outbound({ timeoutMs: 50 })
  await expect(out.post(hello(`http://127.0.0.1:${silent.port}/`))).rejects.toMatchObject({
    retryable: true,
  })
})

test('a redirect is not followed', async () => {
  await using inner = await receive(status(200))
  const location = `http://127.0.0.1:${inner.port}/`
  await using outer = await receive(status(307, { location }))
  await using out = outbound()
  await expect(out.post(hello(`http://127.0.0.1:${outer.port}/`))).rejects.toMatchObject({
    code: 'refused',
  })
  expect(inner.received).toEqual([])
})

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f.1/',
  'http://0177.0.0.1/',
  'http://0/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://localhost/',
  'http://169.254.169.254/latest/meta-data',
  'http://2852039166/',
  'http://0xa9fea9fe/',
  'http://[::ffff:169.254.169.254]/',
  'http://[fd00:ec2::254]/',
  'http://[fe80::1]/',
  'http://100.100.100.200/',
  'http://192.0.0.192/',
  'http://168.63.129.16/',
  'http://10.1.2.3/',
  'http://172.31.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://[fd12::1]/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://user:pass@example.org/',
  'ftp://example.org/',
  'file:///etc/passwd',
  'data:text/plain,x',
])('%s is refused', async (url) => {
  await using out = outbound({}, [])
  await expect(out.post(hello(url))).rejects.toMatchObject({ code: 'refused', retryable: false })
})

test('a name is judged by all that it resolves to', async () => {
  const addresses = ['93.184.215.14', '169.254.169.254']
  await using out = outbound({ resolve: () => Promise.resolve(addresses) })
  await expect(out.post(hello('http://rebind.example/'))).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('rebind.example is not reached: 169.254.169.254'),
  })
})

test('the connection goes to what was judged, whatever the name says a moment later', async () => {
  await using receiver = await receive(status(204))
  const answers = [['127.0.0.1'], ['169.254.169.254']]
  await using out = outbound({ resolve: () => Promise.resolve(answers.shift() ?? []) })
  await out.post(hello(`http://rebind.example:${receiver.port}/`))
  expect(receiver.received).toEqual(['hello'])
})
