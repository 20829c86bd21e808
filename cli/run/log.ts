/** The responder's log: JSON lines for collectors, sentences for the terminal of `riposte run`. */
import { type Logger, pino } from 'pino'
import { z } from 'zod'

const lineSchema = z.looseObject({ level: z.number(), msg: z.string().optional() })

/** What pino adds to each line, and what says nothing on one's own terminal. */
const unsaid = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'reqId', 'responseTime'])

export const jsonLog = (level: string): Logger =>
  pino({ level }, pino.destination({ dest: 2, sync: false }))

export const plainLog = (level: string, say: (line: string) => void): Logger =>
  pino(
    { level },
    {
      write: (line) => {
        say(sentence(line))
      },
    },
  )

/** `responder: warning: Redis is away key=value`, with nothing in it that could steer a terminal. */
export function sentence(line: string): string {
  const record = lineSchema.parse(JSON.parse(line))
  const details = Object.entries(record)
    .filter(([key]) => !unsaid.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const severity = record.level >= 50 ? 'error: ' : record.level >= 40 ? 'warning: ' : ''
  return ['responder: ', severity, [record.msg ?? '', ...details].join(' ')]
    .join('')
    .replaceAll(/\p{Cc}/gu, '\uFFFD')
}
