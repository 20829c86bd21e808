/** Shape of a field row, and how the engine asks for one. A field is one row in `fields/<group>.ts`. */
import type { Event } from '../events/event.ts'

/**
 * What a field's value is and which operators it takes (falco-compat 2.2). In JavaScript: string, path, ip and net
 * are strings (an ip in canonical text, IPv4-mapped already IPv4); bytes a Uint8Array; bool a boolean;
 * abstime and reltime a bigint of nanoseconds; the others numbers.
 */
export type FieldType =
  | 'string'
  | 'path'
  | 'bytes'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'pid'
  | 'fd'
  | 'errno'
  | 'port'
  | 'flags'
  | 'mode'
  | 'abstime'
  | 'reltime'
  | 'ip'
  | 'net'

export type Scalar = string | number | bigint | boolean | Uint8Array
/** Missing is `undefined`, and what that means in a comparison is decided once, in the engine. */
export type FieldValue = Scalar | readonly Scalar[] | undefined

export type Reader = (event: Event) => FieldValue

export interface Field {
  readonly name: string
  readonly type: FieldType
  /** One line for `riposte fields` and docs/reference/fields.md. */
  readonly help: string
  /**
   * one: a scalar · list: a list field (`in`, `intersects`, `exists` only) · any: an array, true if any element
   * satisfies the operator (proc.aname) · endpoints: an array; `=`/`in` any, `!=` none (fd.ip, fd.port, fd.net).
   */
  readonly values: 'one' | 'list' | 'any' | 'endpoints'
  /** What may or must follow in brackets (or after a dot, for evt.arg.NAME). */
  readonly argument: 'none' | 'optional' | 'required'
  /** Cannot be printed (fd.ip, fd.net, …). */
  readonly isFilterOnly: boolean
  /** Takes no transformer and cannot stand on the right side (proc.a*, fd.ip, evt.rawarg, …). */
  readonly isPlain: boolean
  /** A warning instead of an error when used: evt.dir, evt.latency, … */
  readonly isDeprecated: boolean
  /** The sources whose events carry it; 'any' for the generic ones. */
  readonly source: 'syscall' | 'k8s_audit' | 'any'
  /** Bound once at load: the reader for this argument, or the reason why the argument is wrong. */
  readonly bind: (argument: string | undefined) => Reader | { readonly problem: string }
  /** How a value prints where String(value) is not it: `O_RDONLY|O_CREAT`, `0644`, `/tmp/a`. */
  readonly print?: (value: Scalar) => string
}

/** A field as a condition or an output names it: `proc.aname[2]`, `evt.arg.flags`, `fd.name`. */
export interface FieldUse {
  readonly field: Field
  /** Canonical text, the key in `output_fields`. */
  readonly text: string
  readonly argument: string | undefined
  readonly read: Reader
}

/** The engine is handed one of these; it knows no field by name. */
export interface FieldTable {
  /** `name` is everything before a bracket, `argument` what stands in it; evt.arg.NAME comes whole as the name. */
  find(name: string, argument: string | undefined): FieldUse | { readonly problem: string }
  readonly fields: readonly Field[]
}
