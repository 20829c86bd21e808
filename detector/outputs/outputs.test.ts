import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createSocket } from 'node:dgram'
import http from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { httpOutput, type HttpOptions } from './http.ts'
import { LinesDestination } from './lines.ts'
import type { Output, OutputLine } from './output.ts'
import { ProgramDestination } from './program.ts'
import { QueuedOutput } from './queued.ts'
import { syslogDestination } from './syslog.ts'

const limits = { maxLines: 0, maxBytes: 1024 * 1024 }
const line = (text: string): OutputLine => ({ text, severity: 4 })
const turn = () => new Promise((resolve) => setTimeout(resolve, 2))

let directory = ''
const cleanups: (() => Promise<unknown> | void)[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'outputs-'))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  await rm(directory, { recursive: true })
})

async function until(isTrue: () => boolean | Promise<boolean>) {
  while (!(await isTrue())) await turn()
}
const read = (path: string) => readFile(path, 'utf8').catch(() => '')
const started = <Kind extends Output>(output: Kind) => {
  cleanups.push(() => output.stop(0))
  return output
}
const fileOutput = (path: string, keepAlive = true) =>
  started(new QueuedOutput(new LinesDestination({ name: 'file', path, keepAlive }), limits))
const programOutput = (program: string, keepAlive: boolean, timeoutMs = 10_000) =>
  started(
    new QueuedOutput(
      new ProgramDestination({ program, keepAlive, timeoutMs, environment: process.env }),
      limits,
    ),
  )

test('a file gets one line an alert, and a new file after it was rotated and reopened', async () => {
  const path = join(directory, 'alerts')
  const output = fileOutput(path)
  output.write(line('one'))
  output.write(line('two'))
  await until(async () => (await read(path)) === 'one\ntwo\n')
  expect((await stat(path)).mode & 0o777).toBe(0o600)

  await rename(path, `${path}.1`)
  output.write(line('three'))
  await until(async () => (await read(`${path}.1`)) === 'one\ntwo\nthree\n')
  output.reopen()
  output.write(line('four'))
  await until(async () => (await read(path)) === 'four\n')
})

test('a file that is not kept open follows a rotation by itself', async () => {
  const path = join(directory, 'alerts')
  const output = fileOutput(path, false)
  output.write(line('one'))
  await until(() => output.status.written === 1)
  await rename(path, `${path}.1`)
  output.write(line('two'))
  await until(() => output.status.written === 2)
  expect(await read(path)).toBe('two\n')
})

test('a FIFO whose reader hangs costs its own lines only, counted, in bounded memory', async () => {
  const path = join(directory, 'fifo')
  execFileSync('mkfifo', [path])
  const reader = spawn('sh', ['-c', `exec 3<${path}; echo opened; exec sleep 1000`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  cleanups.push(async () => {
    reader.kill('SIGKILL')
    await once(reader, 'exit')
  })
  const opened = once(reader.stdout, 'data')
  const hung = fileOutput(path)
  const other = fileOutput(join(directory, 'other'))
  await until(async () => {
    hung.write(line('is anybody there?'))
    await turn()
    return hung.status.problem === undefined && hung.status.written > 0
  })
  await opened
  for (let i = 0; i < 5000; i++) {
    hung.write(line('x'.repeat(1000)))
    if (i % 10 === 0) other.write(line(String(i)))
  }
  await until(() => other.status.written === 500)
  expect(hung.status.dropped).toBeGreaterThan(3000)
  expect(hung.status.pending).toBeLessThan(1100)
})

test('a program is run once for each alert, through the shell, with the alert on standard input', async () => {
  const path = join(directory, 'seen')
  const output = programOutput(`(cat; echo "end $$") | tr a-z A-Z >> ${path}`, false)
  output.write(line('one $(touch /tmp/never)'))
  output.write(line('two'))
  await until(() => output.status.written === 2)
  expect(await read(path)).toMatch(/^ONE \$\(TOUCH \/TMP\/NEVER\)\nEND \d+\nTWO\nEND \d+\n$/)
})

test('a program that is kept alive gets all lines, and is started again after it ended', async () => {
  const path = join(directory, 'seen')
  const output = programOutput(`echo "start" >> ${path}; head -n 2 >> ${path}`, true)
  output.write(line('one'))
  await until(async () => (await read(path)) === 'start\n')
  output.write(line('two'))
  await until(async () => (await read(path)).includes('two'))
  await until(async () => {
    output.write(line('three'))
    await turn()
    return (await read(path)).split('start').length === 3
  })
  expect(await read(path)).toMatch(/^start\none\ntwo\nstart\n/)
})

test('a program that hangs is killed with all it started, and the next alert gets a new one', async () => {
  const path = join(directory, 'seen')
  const output = programOutput(
    `read l; echo $l >> ${path}; [ $l = two ] || sleep 1000 | cat`,
    false,
    100,
  )
  output.write(line('one'))
  output.write(line('two'))
  await until(() => output.status.written === 1 && output.status.dropped === 1)
  expect(await read(path)).toBe('one\ntwo\n')
})

test('syslog to the local daemon has facility user, the severity of the priority, and no newline', async () => {
  const path = join(directory, 'log')
  const seen = join(directory, 'seen')
  const daemon = spawn('python3', ['-c', datagrams, path, seen], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanups.push(async () => {
    daemon.kill('SIGKILL')
    await once(daemon, 'exit')
  })
  await once(daemon.stdout, 'data')
  const options = {
    hostname: 'node-a',
    processId: 7,
    now: () => new Date(0),
    environment: process.env,
  }
  const output = started(
    new QueuedOutput(syslogDestination({ ...options, target: `local:${path}` }), limits),
  )
  output.write(line(`Warning ${'x'.repeat(3000)} end`))
  await until(async () => (await read(seen)).endsWith('---\n'))
  expect(await read(seen)).toMatch(
    /^<12>\w{3} [ \d]\d \d\d:\d\d:\d\d .*riposte: Warning x{3000} end---\n$/,
  )
})

const datagrams = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('ready', flush=True)
while True:
    with open(sys.argv[2], 'ab') as f: f.write(s.recv(70000) + b'---\\n')
`

test('syslog to another host is RFC 5424, framed by octet counts over TCP', async () => {
  const options = {
    hostname: 'node-a',
    processId: 7,
    now: () => new Date(0),
    environment: process.env,
  }
  const expected = '<12>1 1970-01-01T00:00:00.000Z node-a riposte 7 - - Warning ä'

  let stream = ''
  const server = createServer((socket) =>
    socket.on('data', (bytes) => (stream += bytes.toString())),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => void server.close())
  const { port } = server.address() as AddressInfo
  const tcp = started(
    new QueuedOutput(syslogDestination({ ...options, target: `tcp://127.0.0.1:${port}` }), limits),
  )
  tcp.write(line('Warning ä'))
  tcp.write(line('two'))
  await until(() => stream.endsWith('two'))
  expect(stream).toBe(
    `${Buffer.byteLength(expected)} ${expected}55 ${expected.replace('Warning ä', 'two')}`,
  )

  const receiver = createSocket('udp4')
  receiver.bind(0, '127.0.0.1')
  await once(receiver, 'listening')
  cleanups.push(() => void receiver.close())
  const udp = started(
    new QueuedOutput(
      syslogDestination({ ...options, target: `udp://127.0.0.1:${receiver.address().port}` }),
      limits,
    ),
  )
  const received = once(receiver, 'message')
  udp.write(line('Warning ä'))
  expect(String((await received)[0])).toBe(expected)
})

async function endpoint(port: number, answer: (body: string) => number) {
  const seen: { body: string; headers: http.IncomingHttpHeaders }[] = []
  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (bytes) => (body += String(bytes)))
    request.on('end', () => {
      const status = answer(body)
      if (status < 300) seen.push({ body, headers: request.headers })
      response.writeHead(status).end()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { seen, close, port: (server.address() as AddressInfo).port }
}

const httpOptions = (port: number, more: Partial<HttpOptions> = {}): HttpOptions => ({
  url: `http://127.0.0.1:${port}/alerts?key=1`,
  keepAlive: true,
  isInsecure: false,
  userAgent: 'falcosecurity/falco',
  isJson: true,
  spoolDirectory: join(directory, 'spool'),
  spoolBytes: 8 * 1024 * 1024,
  syncMs: 50,
  random: () => 0,
  ...more,
})

test('an HTTP endpoint that is down, then overloaded, then up, gets every alert once, in order', async () => {
  const first = await endpoint(0, () => 200)
  const { port } = first
  const output = started(await httpOutput(httpOptions(port)))
  output.write(line('0'))
  await until(() => output.status.written === 1)
  expect(first.seen[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': 'falcosecurity/falco',
  })
  await first.close()
  for (let i = 1; i <= 50; i++) output.write(line(String(i)))
  await until(() => output.status.problem !== undefined)
  expect(output.status.pending).toBe(50)

  let refusals = 3
  const second = await endpoint(port, () => (refusals-- > 0 ? 503 : 200))
  cleanups.push(second.close)
  await until(() => output.status.pending === 0)
  expect(second.seen.map(({ body }) => Number(body))).toEqual(
    Array.from({ length: 50 }, (_, index) => index + 1),
  )
  expect(output.status).toMatchObject({ written: 51, dropped: 0, problem: undefined })
})

test('alerts that waited for an endpoint are delivered by the next run, also after kill -9', async () => {
  const down = await endpoint(0, () => 200)
  await down.close()
  const script = join(directory, 'spooling.ts')
  await writeFile(
    script,
    `import { httpOutput } from ${JSON.stringify(new URL('http.ts', import.meta.url).href)}
     const options = ${JSON.stringify(httpOptions(down.port))}
     const output = await httpOutput({ ...options, random: () => 0 })
     for (let i = 0; ; i++) {
       output.write({ text: String(i), severity: 4 })
       if (i === 500) process.stdout.write('spooling')
       if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
       if (i === 20000) break
     }
     setInterval(() => {}, 1000)`,
  )
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')

  const up = await endpoint(down.port, () => 200)
  cleanups.push(up.close)
  const output = started(await httpOutput(httpOptions(down.port)))
  const waited = output.status.pending
  expect(waited).toBeGreaterThan(200)
  await until(() => output.status.pending === 0)
  expect(up.seen.map(({ body }) => Number(body))).toEqual(
    Array.from({ length: waited }, (_, index) => index),
  )
}, 20_000)

test('an alert that the endpoint refuses for its content does not hold up the ones behind it', async () => {
  const server = await endpoint(0, (body) => (body === 'bad' ? 400 : 204))
  cleanups.push(server.close)
  const output = started(await httpOutput(httpOptions(server.port)))
  for (const text of ['good', 'bad', 'also good']) output.write(line(text))
  await until(() => output.status.pending === 0)
  expect(server.seen.map(({ body }) => body)).toEqual(['good', 'also good'])
  expect(output.status.dropped).toBe(1)
})
