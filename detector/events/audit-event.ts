/** A Kubernetes audit event (audit.k8s.io/v1 `Event`), parsed: what the fields of source k8s_audit read. */

export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

export interface AuditEvent {
  /** Index into the source's event names, of which there is one. */
  readonly id: 0
  readonly document: JsonObject
  /** Its stageTimestamp, in nanoseconds since 1970. */
  readonly timeNs: bigint
  /** Of the first event since start. */
  readonly firstTimeNs: bigint
  /** evt.num: counts from 1 since start. */
  readonly number: number
  /** Of the host that judges it. */
  readonly hostname: string
}
