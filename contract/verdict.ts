/** What the responder asks of a node, and what the node answers. The detector dials; it opens no port. */
import { z } from 'zod'
import { placeSchema, prioritySchema, processIdentitySchema } from './alert.ts'
import { protectedPodsSchema } from './protected-pods.ts'

/** The operations of an action, as in `responder/actions`: `plan` asks and changes nothing. */
export const operationSchema = z.enum(['plan', 'run', 'verify', 'undo'])
export type Operation = z.infer<typeof operationSchema>

/**
 * One order to a node. The node executes `run` and `undo` of an id once and answers a repeat with the first answer, also
 * after a restart (an answer that says `isRetryable` is not final); `plan` and `verify` change nothing and look anew.
 */
export const verdictSchema = z.strictObject({
  /** The step's derived id. */
  id: z.string(),
  operation: operationSchema,
  /** A node action's name: kill_process, freeze, block_network, … (detector/verdicts/index.ts). */
  action: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  bootId: z.string(),
  process: processIdentitySchema.nullable(),
  place: placeSchema.nullable(),
  /** Event fields that the alert carried, for actions that hand them to a program. */
  fields: z.record(z.string(), z.unknown()),
  /** For `run`: the effect that `plan` answered, or null; for `verify` and `undo`: the one that `run` answered. */
  effect: z.record(z.string(), z.unknown()).nullable(),
  /** Unix milliseconds; after it the node refuses with `expired` (a stale kill is worse than none). */
  deadlineMs: z.int(),
})
export type Verdict = z.infer<typeof verdictSchema>

/**
 * planned: `plan` found something to do · done · unverified: done, but `verify` could not see it ·
 * already_done · target_gone: other pid start time, boot or container · refused: a guard on the node ·
 * expired · failed (`isRetryable` says whether trying again can help).
 */
export const answerStatusSchema = z.enum([
  'planned',
  'done',
  'unverified',
  'already_done',
  'target_gone',
  'refused',
  'expired',
  'failed',
])
export type AnswerStatus = z.infer<typeof answerStatusSchema>

export const answerSchema = z.strictObject({
  id: z.string(),
  operation: operationSchema,
  status: answerStatusSchema,
  /** One sentence for people: `killed 3 processes: bash (812), nc (813), sh (815)`. */
  detail: z.string(),
  /** What changed and what undo needs; shown in the plan (`would kill …`) and kept in the ledger. */
  effect: z.record(z.string(), z.unknown()).nullable(),
  isRetryable: z.boolean(),
  /** Unix milliseconds at which the node finished. */
  finishedMs: z.int(),
})
export type Answer = z.infer<typeof answerSchema>

/**
 * A policy's strike, sent to every node: which of the node's loaded rules it selects and what the kernel does
 * inside the offending call. The node compiles it against its own rules and says in the heartbeat which it could.
 */
export const strikeOrderSchema = z.strictObject({
  policy: z.string(),
  policyGeneration: z.string(),
  mode: z.enum(['audit', 'enforce']),
  match: z.strictObject({
    names: z.array(z.string()),
    tags: z.array(z.string()),
    minPriority: prioritySchema.nullable(),
    source: z.string().nullable(),
    /** Falco condition text, or null. */
    condition: z.string().nullable(),
  }),
  /** Take only rules whose own `actions:` ask for kill_process (policy rung `from: rule`). */
  isFromRule: z.boolean(),
  scope: z.enum(['process', 'tree', 'session']),
  fuse: z.strictObject({ max: z.int().positive(), perMs: z.int().positive() }),
})
export type StrikeOrder = z.infer<typeof strikeOrderSchema>

/** Answer to a detector's long poll: everything it is to do now. `killSwitch` stops node actions and strikes. */
export const ordersSchema = z.strictObject({
  verdicts: z.array(verdictSchema),
  strikes: z.strictObject({
    generation: z.string(),
    orders: z.array(strikeOrderSchema),
    /** In them the kernel strikes nobody. */
    protectedPods: protectedPodsSchema,
  }),
  killSwitch: z.boolean(),
})
export type Orders = z.infer<typeof ordersSchema>

/** Once a second and with each change: what a detector is, sees, loses, and cannot do. */
export const heartbeatSchema = z.strictObject({
  node: z.string(),
  bootId: z.string(),
  version: z.string(),
  startedMs: z.int(),
  sentMs: z.int(),
  isReady: z.boolean(),
  rules: z.strictObject({ loaded: z.int(), enabled: z.int(), sha256: z.string() }),
  events: z.strictObject({
    judged: z.int(),
    /** Records lost since start, by class (ring). */
    lost: z.record(z.string(), z.int()),
  }),
  /** What the detector speaks for: `host`, or the cgroup of its node where several share a kernel. */
  scope: z.string().default('host'),
  /** Everything that is not as it should be, one sentence each; empty means healthy (invariant I9). */
  degraded: z.array(z.string()),
  strikes: z.strictObject({
    generation: z.string(),
    /** policy/rule pairs that the kernel decides, and those it cannot, with the reason. */
    active: z.array(
      z.strictObject({
        policy: z.string(),
        rule: z.string(),
        mode: z.enum(['audit', 'enforce']),
        kills: z.int(),
      }),
    ),
    unavailable: z.array(
      z.strictObject({ policy: z.string(), rule: z.string(), reason: z.string() }),
    ),
  }),
  residentBytes: z.int(),
})
export type Heartbeat = z.infer<typeof heartbeatSchema>

/**
 * The detector's HTTP calls to the responder, with `authorization: Bearer <node token>` and the node's name in
 * `nodeHeader`. An alert or heartbeat that names another node is refused with 403.
 */
export const nodeRoutes = {
  /** POST alertBatch → 204 once durable. */
  alerts: '/v1/node/alerts',
  /** POST amendmentBatch → 204 once durable; 404 never: what is not known any more needs no amendment. */
  amendments: '/v1/node/amendments',
  /** POST heartbeat → 204. */
  heartbeat: '/v1/node/heartbeat',
  /** GET ?strikes=<generation held>&waitMs= → orders; answers at once when there is something new. */
  orders: '/v1/node/orders',
  /** POST answer → 204. */
  answers: '/v1/node/answers',
  /**
   * POST /STEP/NAME, the file itself as application/octet-stream → 204 once it is kept. 403: the step is not acting, or
   * not this node's; 409 `no_store`: it stays on the node; 413: more than a step may keep.
   */
  evidence: '/v1/node/evidence',
} as const

export const nodeHeader = 'riposte-node'

/** Of evidence: the SHA-256 of the file, in lower-case hex. */
export const sha256Header = 'riposte-sha256'
