import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { notifier } from './notifier.ts'
import { readSecret } from './secret.ts'

/** JSON in the shape of `Message`, with `deliveryId` and `sentMs`. */
export const webhook = notifier({
  kind: 'webhook',
  summary: 'a POST of JSON to an address, signed if there is a secret',
  settings: z.strictObject({
    url: z.url({ protocol: /^https?$/ }),
    headers: z.record(z.string(), z.string()).default({}),
    secretFile: z
      .string()
      .startsWith('/')
      .nullable()
      .default(null)
      .describe('file with the key of Riposte-Signature'),
  }),
  open:
    ({ url, headers, secretFile }, { outbound, nowMs }) =>
    async ({ message, deliveryId }) => {
      const sentMs = nowMs()
      const body = JSON.stringify({ deliveryId, sentMs, ...message })
      const signature =
        secretFile === null ? {} : signed(await readSecret(secretFile), sentMs, body)
      await outbound.post({
        url,
        body,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'riposte-delivery': deliveryId,
          ...signature,
        },
      })
    },
})

/** `t=<unix seconds>,v1=<hex>` over `<t>.<body>`: the time is signed too, so an old message cannot be sent again. */
function signed(secret: string, sentMs: number, body: string): Record<string, string> {
  const seconds = Math.floor(sentMs / 1000)
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return { 'riposte-signature': `t=${seconds},v1=${mac}` }
}
