/** Shape of a notifier: one record a kind of destination, one line in index.ts. The queue brings a failed message again. */
import type { z } from 'zod'
import type { Message } from '../actions/action.ts'
import type { Outbound } from './outbound.ts'

/** One message on its way to one notifier. */
interface Delivery {
  readonly message: Message
  /** The same each time this message is tried, so that the receiver can tell a repeat. */
  readonly deliveryId: string
}

export interface NotifierServices {
  /** HTTP to the outside, under the rules of outbound.ts. */
  readonly outbound: Outbound
  /** A line of the responder's own log. */
  readonly log: (fields: Readonly<Record<string, unknown>>, text: string) => void
  readonly nowMs: () => number
}

export type Send = (delivery: Delivery) => Promise<void>

export interface Notifier<Settings extends z.ZodType = z.ZodType> {
  /** What the configuration writes as `kind`. */
  readonly kind: string
  readonly summary: string
  readonly settings: Settings
  /** `Send` throws ActionFailed (retryable or not) or ActionRefused. */
  open(settings: z.infer<Settings>, services: NotifierServices): Send
}

/** Keeps the settings' type of one notifier through the list of all of them. */
export const notifier = <Settings extends z.ZodType>(
  record: Notifier<Settings>,
): Notifier<Settings> => record
