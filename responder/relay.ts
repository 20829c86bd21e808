/**
 * Carries news of the nodes between responders that share a ledger, by Redis. Signed with a key that the ledger holds:
 * who reaches Redis must not be able to order a node about, nor say again what was said long ago. What is lost is told again (http/node-hub.ts).
 */
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { hubNewsSchema, type HubNews } from './http/hub-news.ts'
import { messageOf } from './errors.ts'
import { sharedSecret } from './ledger/switches.ts'
import type { Ledger } from './ledger/open.ts'
import { connect } from './queue.ts'
import type { RedisAddress } from './redis.ts'

interface RelayParts {
  readonly ledger: Ledger
  readonly redis: RedisAddress
  readonly hear: (news: HubNews) => void
  readonly nowMs: () => number
  readonly log: (message: string) => void
}

export interface Relay extends AsyncDisposable {
  readonly tell: (news: HubNews) => void
}

const channel = '{riposte}:nodes'
/** What is older was kept and said again by somebody else, or the clocks of the responders are far apart. */
const freshMs = 60_000

const messageSchema = z.object({ from: z.string(), atMs: z.number(), news: hubNewsSchema })

export async function openRelay(parts: RelayParts): Promise<Relay> {
  const { ledger, redis, hear, nowMs, log } = parts
  const key = await sharedSecret(ledger, 'relay_key', () => randomBytes(32).toString('hex'))
  const self = randomUUID()
  const sign = (body: string) => createHmac('sha256', key).update(body).digest('hex')
  const listener = connect(redis, { maxRetriesPerRequest: null })
  const speaker = connect(redis, { enableOfflineQueue: false, maxRetriesPerRequest: 1 })
  listener.on('message', (_channel, message) => {
    const space = message.indexOf(' ')
    const [signature, body] = [message.slice(0, space), message.slice(space + 1)]
    if (!isSame(signature, sign(body))) return
    try {
      const { from, atMs, news } = messageSchema.parse(JSON.parse(body))
      if (from !== self && Math.abs(nowMs() - atMs) < freshMs) hear(news)
    } catch (error) {
      log(`news from another responder: ${messageOf(error)}`)
    }
  })
  // While Redis is away it waits for it, and is no reason not to start.
  listener.subscribe(channel).catch(() => undefined)
  return {
    tell(news) {
      const body = JSON.stringify({ from: self, atMs: nowMs(), news })
      speaker.publish(channel, `${sign(body)} ${body}`).catch(() => undefined)
    },
    [Symbol.asyncDispose]() {
      listener.disconnect()
      speaker.disconnect()
      return Promise.resolve()
    },
  }
}

const isSame = (one: string, other: string) =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
