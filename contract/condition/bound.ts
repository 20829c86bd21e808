/** A condition bound to a table of fields: every name is a reader, every constant a value. What runs. */
import type { Comparison, Modifier } from './ast.ts'
import type { ScalarTest } from './operators.ts'
import type { Arity, FieldType, FieldUse, Reader, Scalar } from './values.ts'

export interface BoundOperand<Subject> {
  /** Canonical text: two operands of the same text read the same value. */
  readonly text: string
  readonly type: FieldType
  readonly values: Arity
  readonly read: Reader<Subject>
  /** The fields that it reads: one, or those inside a transformer. */
  readonly uses: readonly FieldUse<Subject>[]
}

export interface BoundTest<Subject> {
  readonly kind: 'test'
  /** Canonical text: two tests of the same text have the same result for the same subject. */
  readonly text: string
  readonly left: BoundOperand<Subject>
  readonly comparison: Comparison
  readonly modifier: Modifier | undefined
  readonly right:
    | {
        readonly kind: 'constants'
        readonly values: readonly Scalar[]
        /** One a constant under a modifier, else a single one for all of them. */
        readonly tests: readonly ScalarTest[]
      }
    | { readonly kind: 'operand'; readonly operand: BoundOperand<Subject> }
}

export type Bound<Subject> =
  | { readonly kind: 'and' | 'or'; readonly children: readonly Bound<Subject>[] }
  | { readonly kind: 'not'; readonly child: Bound<Subject> }
  | { readonly kind: 'exists'; readonly text: string; readonly left: BoundOperand<Subject> }
  | BoundTest<Subject>
