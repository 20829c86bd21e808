/** Every kind of notifier, the configuration of those that an estate has, and the way to them. */
import { z } from 'zod'
import { unknownName } from '../../contract/problem.ts'
import type { Notify } from '../actions/action.ts'
import { ActionRefused } from '../actions/errors.ts'
import { log } from './log.ts'
import type { Notifier, NotifierServices, Send } from './notifier.ts'
import { slack } from './slack.ts'
import { webhook } from './webhook.ts'

export const kinds: readonly Notifier[] = [log, webhook, slack]

type Opener = (services: NotifierServices) => Send

/** One entry of the configuration: `{ kind: slack, urlFile: /etc/… }`, checked by its kind and ready to be opened. */
const entrySchema = z
  .looseObject({ kind: z.string() })
  .transform(({ kind, ...rest }, context): Opener => {
    const found = kinds.find((each) => each.kind === kind)
    if (found === undefined) {
      const names = kinds.map((each) => each.kind)
      context.addIssue({
        code: 'custom',
        path: ['kind'],
        message: unknownName('kind of notifier', kind, names),
      })
      return z.NEVER
    }
    const settings = found.settings.safeParse(rest)
    if (settings.success) return (services) => found.open(settings.data, services)
    for (const { path, message } of settings.error.issues)
      context.addIssue({ code: 'custom', path, message })
    return z.NEVER
  })

/** `notifiers:` of the configuration, by the names that policies use. */
export const notifiersSchema = z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), entrySchema)
export type NotifierSettings = z.infer<typeof notifiersSchema>

/** There without being configured; an estate may say something else under these names. */
const defaults: NotifierSettings = notifiersSchema.parse({
  log: { kind: 'log' },
  security_team: { kind: 'log' },
})

/** Delivered ones are remembered, so that a step that told one of two notifiers tells only the other when tried again. */
const REMEMBERED = 4096

export function openNotify(settings: NotifierSettings, services: NotifierServices): Notify {
  const configured = Object.entries({ ...defaults, ...settings })
  const sends = new Map(configured.map(([name, open]) => [name, open(services)]))
  const delivered = new Set<string>()
  return async (name, message, deliveryId) => {
    const send = sends.get(name)
    if (send === undefined) throw new ActionRefused(unknownName('notifier', name, sends.keys()))
    if (delivered.has(deliveryId)) return
    await send({ message, deliveryId })
    delivered.add(deliveryId)
    const [oldest] = delivered
    if (delivered.size > REMEMBERED && oldest !== undefined) delivered.delete(oldest)
  }
}

/** For `riposte policies check`: a name that no policy may use is found before it is needed. */
export const notifierNames = (settings: NotifierSettings): string[] =>
  Object.keys({ ...defaults, ...settings })
