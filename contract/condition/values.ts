/** What a field's value can be, and the shape of a field: the condition language knows no field by name. */

/**
 * What a field's value is and which operators it takes (falco-compat 2.2). In JavaScript: string, path, ip and net
 * are strings (an ip as `canonicalIp` writes it); bytes a Uint8Array; bool a boolean;
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
/** Missing is `undefined` (so is an empty array): a check on it is false, whatever the operator. */
export type FieldValue = Scalar | readonly Scalar[] | undefined

/**
 * one: a scalar · list: a list field (`in`, `intersects`, `exists` only) · any: an array, true if any element
 * satisfies the operator (proc.aname) · endpoints: an array; true if any does, but `!=` if none equals (fd.ip, fd.net).
 */
export type Arity = 'one' | 'list' | 'any' | 'endpoints'

/** A field that reads its value from a `Subject`: an event in the detector, an alert in the responder. */
export interface Field<Subject> {
  readonly name: string
  readonly type: FieldType
  /** One line for `riposte fields` and docs/reference/fields.md. */
  readonly help: string
  readonly values: Arity
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
  readonly bind: (argument: string | undefined) => Reader<Subject> | { readonly problem: string }
  /** How a value prints where String(value) is not it: `O_RDONLY|O_CREAT`, `0644`, `/tmp/a`. */
  readonly print?: (value: Scalar) => string
}

export type Reader<Subject> = (subject: Subject) => FieldValue

/** A field as a condition or an output names it: `proc.aname[2]`, `evt.arg.flags`, `fd.name`. */
export interface FieldUse<Subject> {
  readonly field: Field<Subject>
  /** Canonical text, the key in `output_fields`. */
  readonly text: string
  readonly argument: string | undefined
  readonly read: Reader<Subject>
}

export interface FieldTable<Subject> {
  /** `name` is everything before a bracket, `argument` what stands in it; evt.arg.NAME comes whole as the name. */
  find(name: string, argument: string | undefined): FieldUse<Subject> | { readonly problem: string }
  readonly fields: readonly Field<Subject>[]
}

/** `proc.aname[2]`: how a field is written. */
export const fieldText = (name: string, argument: string | undefined): string =>
  argument === undefined ? name : `${name}[${argument}]`
