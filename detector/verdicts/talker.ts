/** For the tests of block_network: a process that speaks when told to, and somebody to speak to. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { startVictim, until, type Victim } from './testing.ts'

/** Takes a command a line: `connect HOST PORT`, `say TEXT` on the connection it has, `udp HOST PORT`; says what happened. */
export const talker = `
const net = require('node:net'), dgram = require('node:dgram'); let open;
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, a, b] = line.split(' ');
  const say = (text) => console.log(verb + ' ' + text);
  if (verb === 'say') open.write(a + '\\n', () => say(a));
  if (verb === 'udp') dgram.createSocket(a.includes(':') ? 'udp6' : 'udp4').send('x', b, a, (error) => say(error ? error.code : 'sent'));
  if (verb !== 'connect') return;
  const socket = net.connect(Number(b), a);
  socket.on('connect', () => { open = socket; say('ok'); });
  socket.on('error', (error) => say(error.code));
  socket.on('data', (data) => console.log('heard ' + data.toString().trim()));
});`
export const startTalker = () => startVictim([process.execPath, '-e', talker])

/** The answer to the command: the next line that the talker prints. */
export async function tell(victim: Victim, command: string): Promise<string> {
  const before = victim.output().length
  victim.write(`${command}\n`)
  await until(() => victim.output().slice(before).includes('\n'))
  return victim.output().slice(before).trim()
}

export interface Listener extends AsyncDisposable {
  readonly port: number
  readonly heard: () => string
  readonly say: (text: string) => void
}

export async function listen(host: string): Promise<Listener> {
  let heard = ''
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('data', (data) => (heard += data.toString())).on('error', () => undefined)
  })
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    heard: () => heard,
    say: (text) => sockets[0]?.write(text),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
