/** What the API server's refusals mean to a step. Its own words are shown to people, cut to a bound. */
import { z } from 'zod'
import { ActionFailed, ActionRefused, Conflict, Forbidden, TargetGone } from '../actions/errors.ts'

const statusSchema = z.looseObject({
  kind: z.literal('Status'),
  message: z.string().default(''),
  reason: z.string().default(''),
  details: z
    .looseObject({
      name: z.string().default(''),
      causes: z
        .array(z.looseObject({ reason: z.string().default(''), message: z.string().default('') }))
        .default([]),
    })
    .prefault({}),
})

export interface Refusal {
  readonly code: number
  readonly reason: string
  readonly message: string
  /** Whether the object is missing, and not the API that it would belong to. */
  readonly isNamed: boolean
  /** Such as `DisruptionBudget`. */
  readonly causes: readonly string[]
}

const maxMessage = 500
const cut = (text: string) => (text.length > maxMessage ? `${text.slice(0, maxMessage)}…` : text)

export function refusalOf(code: number, body: string): Refusal {
  const parsed = statusSchema.safeParse(parseJson(body))
  if (!parsed.success)
    return { code, reason: '', message: cut(body.trim()), isNamed: false, causes: [] }
  const { message, reason, details } = parsed.data
  return {
    code,
    reason,
    message: cut(message === '' ? reason : message),
    isNamed: details.name !== '',
    causes: details.causes.map((cause) => cause.reason),
  }
}

/** An answer of 400 or more, as the error that says what to do. `what` is for people: `patch pod shop/web-0`. */
export function errorOf(refusal: Refusal, what: string): Error {
  const { code, message, isNamed } = refusal
  const said = message === '' ? `the API server answered ${code}` : message
  const options = { cause: refusal }
  if (code === 404) {
    if (isNamed) return new TargetGone(said)
    return new ActionRefused(`cannot ${what}: the API server does not serve it`, options)
  }
  if (code === 409) return new Conflict(`cannot ${what}: ${said}`, options)
  if (code === 401)
    return new ActionFailed(`cannot ${what}: the API server does not accept who we are`, true, {
      cause: refusal,
    })
  if (code === 403) return new Forbidden(said, options)
  if (code === 429 || code >= 500) return new ActionFailed(`cannot ${what}: ${said}`, true, options)
  return new ActionRefused(`cannot ${what}: ${said}`, options)
}

/** The refusal behind an error of `errorOf`; undefined for others. */
export function refusalBehind(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined
  const { cause } = error
  return isRefusal(cause) ? cause : undefined
}

const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'code' in value && 'causes' in value

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's page, or a plain sentence: shown as it is.
    return undefined
  }
}
