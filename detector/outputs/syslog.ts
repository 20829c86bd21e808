/**
 * Syslog: Falco's facility (USER) and severity (the priority's number). To the local daemon through util-linux's
 * `logger`, because Node has no unix datagram sockets; to another host as RFC 5424 over UDP or TCP (RFC 6587's
 * octet counting).
 */
import { createSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import type { OutputKind, OutputLine } from './output.ts'
import { ProgramDestination } from './program.ts'
import { type Destination, QueuedOutput } from './queued.ts'

export const syslog: OutputKind = {
  name: 'syslog',
  isEnabled: (config) => config.syslog_output.enabled,
  open({ config, limits, environment, now, processId }) {
    const { target } = config.riposte.syslog
    const options = { target, hostname: config.node, processId, now, environment }
    return new QueuedOutput(syslogDestination(options), limits)
  },
}

export interface SyslogOptions {
  /** `local:/dev/log`, `udp://host:514`, `tcp://host:601` */
  readonly target: string
  readonly hostname: string
  readonly processId: number
  readonly now: () => Date
  readonly environment: NodeJS.ProcessEnv
}

const FACILITY_USER = 1
const TAG = 'riposte'

const priorityValue = ({ severity }: OutputLine) => FACILITY_USER * 8 + severity

export function syslogDestination(options: SyslogOptions): Destination {
  if (options.target.startsWith('local:')) return localDestination(options)
  const { protocol, hostname, port } = new URL(options.target)
  const frame = (line: OutputLine) => rfc5424(line, options)
  if (protocol === 'udp:') return udpDestination(hostname, Number(port || 514), frame)
  return tcpDestination(hostname, Number(port || 601), frame)
}

/** `--prio-prefix`: each line brings its own `<12>`; without a size, logger cuts at 1 KiB. */
function localDestination({ target, environment }: SyslogOptions): Destination {
  const path = target.slice('local:'.length)
  const program = new ProgramDestination({
    program:
      'exec logger --prio-prefix --tag "$TAG" --size 65536 --socket "$SOCKET" --socket-errors=on',
    keepAlive: true,
    timeoutMs: 10_000,
    environment: { ...environment, SOCKET: path, TAG },
  })
  return {
    name: 'syslog',
    maxBatch: 64,
    deliver: (lines) =>
      program.deliver(
        lines.map((line) => ({ ...line, text: `<${priorityValue(line)}>${oneLine(line.text)}` })),
      ),
    reopen: () => program.reopen(),
    close: () => program.close(),
  }
}

const oneLine = (text: string) => text.replaceAll('\n', ' ')

function rfc5424(line: OutputLine, { hostname, processId, now }: SyslogOptions): Buffer {
  const head = `<${priorityValue(line)}>1 ${now().toISOString()} ${hostname} ${TAG} ${processId} - -`
  return Buffer.from(`${head} ${line.text}`)
}

type Frame = (line: OutputLine) => Buffer

function udpDestination(host: string, port: number, frame: Frame): Destination {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.on('error', () => undefined).unref()
  return {
    name: 'syslog',
    maxBatch: 64,
    async deliver(lines) {
      await Promise.all(lines.map((line) => sendDatagram(frame(line))))
    },
    async reopen() {
      await Promise.resolve()
    },
    async close() {
      await new Promise<void>((resolve) => {
        socket.close(() => resolve())
      })
    },
  }
  function sendDatagram(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      socket.send(bytes, port, host, (error) => (error === null ? resolve() : reject(error)))
    })
  }
}

function tcpDestination(host: string, port: number, frame: Frame): Destination {
  let socket: Socket | undefined
  const connected = () => {
    if (socket !== undefined && socket.writable) return socket
    socket = connect({ host, port, timeout: 10_000 })
    socket.on('error', () => undefined).unref()
    return socket
  }
  return {
    name: 'syslog',
    maxBatch: 64,
    deliver: (lines) =>
      new Promise((resolve, reject) => {
        const bytes = Buffer.concat(
          lines.flatMap((line) => {
            const message = frame(line)
            return [Buffer.from(`${message.length} `), message]
          }),
        )
        const stream = connected()
        stream.once('error', reject)
        stream.write(bytes, (error) => {
          stream.off('error', reject)
          if (error === null || error === undefined) resolve()
          else reject(error)
        })
      }),
    async reopen() {
      await Promise.resolve(socket?.end())
    },
    async close() {
      await Promise.resolve(socket?.end())
    },
  }
}
