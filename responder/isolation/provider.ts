/** Shape of a kind of policy that can isolate one pod. */
import type { Holes } from './holes.ts'
import type { Direction } from './parameters.ts'

export interface PolicyParts {
  /** The one label that only this pod carries. */
  readonly label: { readonly key: string; readonly value: string }
  readonly directions: readonly Direction[]
  readonly holes: Holes
}

export interface PolicyProvider {
  readonly apiVersion: string
  readonly kind: string
  /** For rights. */
  readonly resource: string
  /** Whether it denies: then no other policy can allow what it cuts. */
  readonly denies: boolean
  /** Names that this kind takes for one of ours. */
  readonly nameOf: (name: string) => string
  /** Pure, and as the API server keeps it: it is compared when the policy is verified and undone. */
  readonly specOf: (parts: PolicyParts) => Readonly<Record<string, unknown>>
}
