/** The alert: what a detector says of one event that a rule matched. Falco's shape plus what a response needs. */
import { z } from 'zod'
import { containerSchema, objectSchema, podSchema, requestSchema } from './kubernetes.ts'

/** Falco's priorities, most urgent first; the index is the syslog severity. */
export const priorities = [
  'Emergency',
  'Alert',
  'Critical',
  'Error',
  'Warning',
  'Notice',
  'Informational',
  'Debug',
] as const
export const prioritySchema = z.enum(priorities)
export type Priority = z.infer<typeof prioritySchema>

/** What a template field became: null is Falco's `<NA>`. */
export const outputValueSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.union([z.string(), z.number(), z.boolean()])),
])

/** One entry of a rule's `actions:` after loading: `kill_process` is `{ name: 'kill_process', parameters: {} }`. */
export const requestedActionSchema = z.strictObject({
  name: z.string(),
  parameters: z.record(z.string(), z.unknown()),
})
export type RequestedAction = z.infer<typeof requestedActionSchema>

/**
 * The process an alert is about, named so that it cannot be mistaken for a later one with the same pid:
 * `startTimeNs` is the thread-group leader's start on the boot clock (task_struct.group_leader->start_boottime),
 * a decimal string because it does not fit a double.
 */
export const processIdentitySchema = z.strictObject({
  pid: z.int().positive(),
  startTimeNs: z.string().regex(/^\d+$/),
  name: z.string(),
  exePath: z.string(),
  commandLine: z.string(),
  parentPid: z.int().nonnegative(),
  sessionId: z.int().nonnegative(),
  userId: z.int().nonnegative(),
})
export type ProcessIdentity = z.infer<typeof processIdentitySchema>

/** Where the process lives. `containerId` is `host` outside containers; null while it is not yet known. */
export const placeSchema = z.strictObject({
  /** cgroup v2 id (inode of the directory in the unified tree), decimal. */
  cgroupId: z.string().regex(/^\d+$/),
  containerId: z.string().nullable(),
  /** Null on the host, and while or where its runtime does not tell. */
  container: containerSchema.nullable().default(null),
  /** Null outside Kubernetes. */
  pod: podSchema.nullable().default(null),
  /** In a container of which too little is known yet: no action runs until an amendment says what it is. */
  isPending: z.boolean().default(false),
})
export type Place = z.infer<typeof placeSchema>

/** A strike: the verdict that the kernel itself carried out (or in audit: would have) inside the call. */
export const strikeSchema = z.strictObject({
  policy: z.string(),
  policyGeneration: z.string(),
  mode: z.enum(['audit', 'enforce']),
  scope: z.enum(['process', 'tree', 'session']),
})
export type Strike = z.infer<typeof strikeSchema>

export const alertSchema = z.strictObject({
  /** Derived, never drawn: hash of boot id, event time, cpu, tid and rule. Sending an alert again is a no-op. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  node: z.string(),
  /** /proc/sys/kernel/random/boot_id: pids and start times mean nothing across boots. */
  bootId: z.string(),
  rule: z.string(),
  priority: prioritySchema,
  source: z.string(),
  tags: z.array(z.string()),
  /** RFC 3339 in UTC with nanoseconds, the time of the event. */
  time: z.string(),
  /** The formatted message, without Falco's time and priority prefix. */
  output: z.string(),
  outputFields: z.record(z.string(), outputValueSchema),
  actions: z.array(requestedActionSchema),
  /** Null for events without a process (internal alerts, other sources). */
  process: processIdentitySchema.nullable(),
  place: placeSchema.nullable(),
  /** Alerts of Kubernetes audit: who asked, and for what; null otherwise. */
  request: requestSchema.nullable().default(null),
  object: objectSchema.nullable().default(null),
  strikes: z.array(strikeSchema),
})
export type Alert = z.infer<typeof alertSchema>

/** What a detector posts: acknowledged as a whole once the ledger holds every alert. */
export const alertBatchSchema = z.strictObject({ alerts: z.array(alertSchema).max(1000) })

/** What the node learnt since of an alert that went out pending. A second one for the same alert changes nothing. */
export const amendmentSchema = z.strictObject({
  alertId: alertSchema.shape.id,
  node: z.string(),
  place: placeSchema,
  /** Output fields that were missing and are known now. */
  outputFields: z.record(z.string(), outputValueSchema),
  /** With what is known now its rule does not hold: nothing is to follow from it. */
  isRetracted: z.boolean().default(false),
})
export type Amendment = z.infer<typeof amendmentSchema>

export const amendmentBatchSchema = z.strictObject({
  amendments: z.array(amendmentSchema).max(1000),
})
