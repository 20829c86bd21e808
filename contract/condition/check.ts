/** Binds a condition's tree to a table of fields: names known, types fit, constants readable. */
import {
  type CompareNode,
  type Input,
  type Node,
  type Operand,
  printNode,
  printOperand,
} from './ast.ts'
import { nearest } from '../problem.ts'
import type { Bound, BoundOperand, BoundTest } from './bound.ts'
import { parseConstant } from './constants.ts'
import { familyOf, type Operator, operators, type ScalarTest } from './operators.ts'
import { transformers, type ValueType } from './transformers.ts'
import { type FieldTable, type FieldType, fieldText, type Scalar } from './values.ts'

export interface ConditionProblem {
  /** Falco's message where it has one. */
  readonly message: string
  /** What to do about it, where the message does not say: `did you mean proc.name?`. */
  readonly hint: string | undefined
  /** A field that does not exist: rules may ask to be skipped for that (`skip-if-unknown-filter`). */
  readonly isUnknownField: boolean
  /** Offset of the check in the text that was parsed. */
  readonly at: number
  /** The text in question as far as it is known, for the caret line. */
  readonly text: string
}

export interface Checked<Subject> {
  /** Undefined exactly when there are problems. */
  readonly condition: Bound<Subject> | undefined
  /** All of them, in the order of the text. */
  readonly problems: readonly ConditionProblem[]
}

export function checkCondition<Subject>(node: Node, table: FieldTable<Subject>): Checked<Subject> {
  const problems: ConditionProblem[] = []
  const condition = bind(node, table, problems)
  return { condition: problems.length === 0 ? condition : undefined, problems }
}

function bind<Subject>(
  node: Node,
  table: FieldTable<Subject>,
  problems: ConditionProblem[],
): Bound<Subject> | undefined {
  switch (node.kind) {
    case 'and':
    case 'or': {
      const children = node.children.map((child) => bind(child, table, problems))
      return { kind: node.kind, children: children.filter((child) => child !== undefined) }
    }
    case 'not': {
      const child = bind(node.child, table, problems)
      return child && { kind: 'not', child }
    }
    case 'exists': {
      const left = bindOperand(node.left, table, 'left')
      if (!('problem' in left)) return { kind: 'exists', text: printNode(node), left }
      problems.push(asProblem(left, node.left.at, printOperand(node.left)))
      return undefined
    }
    case 'macro':
      problems.push(asProblem({ problem: `undefined macro '${node.name}'` }, node.at, node.name))
      return undefined
    case 'compare': {
      const test = bindTest(node, table)
      if (!('problem' in test)) return test
      problems.push(asProblem(test, node.at, printOperand(node.left)))
      return undefined
    }
  }
}

interface Refused {
  readonly problem: string
  readonly hint?: string
  readonly isUnknownField?: boolean
}

function bindTest<Subject>(
  node: CompareNode,
  table: FieldTable<Subject>,
): BoundTest<Subject> | Refused {
  const left = bindOperand(node.left, table, 'left')
  if ('problem' in left) return left
  const operator = operators[node.comparison]
  const misfit = checkOperator(node, operator, left)
  if (misfit !== undefined) return { problem: misfit }
  const right =
    node.right.kind === 'operand'
      ? bindRightOperand(node.right.operand, table, operator, left, node)
      : bindConstants(node, operator, left, node.right)
  if ('problem' in right) return right
  const { comparison, modifier } = node
  return { kind: 'test', text: printNode(node), left, comparison, modifier, right }
}

/** Falco gives ports and numbers an order, strings only on paper: its grammar admits numbers there. */
function checkOperator(
  { comparison, modifier }: CompareNode,
  operator: Operator,
  left: BoundOperand<never> | { readonly type: FieldType; readonly values: string },
): string | undefined {
  const family = familyOf(left.type)
  const isList = left.values === 'list'
  if (isList && operator.onLists === undefined)
    return `filter error: '${comparison}' operator not supported for list filters; use in, intersects or exists`
  if (!operator.families.includes(family))
    return `filter error: '${comparison}' operator not supported for type '${left.type}'`
  if (modifier !== undefined && family !== 'text' && family !== 'bytes')
    return `filter error: '${comparison}' with modifier not supported for type '${left.type}'`
  return undefined
}

type Right<Subject> = BoundTest<Subject>['right']

function bindConstants<Subject>(
  node: CompareNode,
  operator: Operator,
  left: BoundOperand<Subject>,
  right: Exclude<CompareNode['right'], { kind: 'operand' }>,
): Right<Subject> | Refused {
  const values: Scalar[] = []
  for (const text of right.kind === 'list' ? right.texts : [right.text]) {
    const constant = parseConstant(text, left.type, node.comparison)
    if ('problem' in constant) return constant
    values.push(constant.value)
  }
  const family = familyOf(left.type)
  const groups = node.modifier === undefined ? [values] : values.map((value) => [value])
  const tests: ScalarTest[] = []
  for (const group of groups) {
    const test = operator.prepare(group, family)
    if (typeof test !== 'function') return test
    tests.push(test)
  }
  return { kind: 'constants', values, tests }
}

function bindRightOperand<Subject>(
  node: Operand,
  table: FieldTable<Subject>,
  operator: Operator,
  left: BoundOperand<Subject>,
  { comparison }: CompareNode,
): Right<Subject> | Refused {
  const operand = bindOperand(node, table, 'right')
  if ('problem' in operand) return operand
  if (!operator.takesField || left.type === 'net' || left.values === 'endpoints')
    return { problem: `filter error: '${comparison}' cannot compare with a field: ${left.text}` }
  const isSame = familyName(left.type) === familyName(operand.type)
  if (!isSame || (left.values === 'list') !== (operand.values === 'list'))
    return {
      problem: `filter error: ${left.text} and ${operand.text} differ in type: ${left.type} and ${operand.type}`,
    }
  return { kind: 'operand', operand }
}

/** Strings and paths compare with each other; other types only with their own. */
const familyName = (type: FieldType) => (type === 'path' ? 'string' : type)

/** A field or a transformer with its reader; output templates read them too. */
export function bindOperand<Subject>(
  node: Operand,
  table: FieldTable<Subject>,
  side: 'left' | 'right' | 'input',
): BoundOperand<Subject> | Refused {
  if (node.kind === 'transform') return bindTransform(node, table)
  const use = table.find(node.name, node.argument)
  const text = fieldText(node.name, node.argument)
  if ('problem' in use) return whyNoField(node.name, text, use.problem, table)
  if (side === 'right' && use.field.isPlain)
    return { problem: `filter error: ${text} cannot stand on the right side of a comparison` }
  if (side === 'input' && use.field.isPlain)
    return { problem: `filter error: no transformer can be applied to ${text}` }
  const { type, values } = use.field
  return { text: use.text, type, values, read: use.read, uses: [use] }
}

function whyNoField(
  name: string,
  text: string,
  reason: string,
  { fields }: Pick<FieldTable<never>, 'fields'>,
): Refused {
  if (fields.some((field) => field.name === name))
    return { problem: `filter error: ${text}: ${reason}` }
  const near = nearest(
    name,
    fields.map((field) => field.name),
  )
  const hint = near === undefined ? reason : `did you mean ${near}?`
  return {
    problem: `filter_check called with nonexistent field ${text}`,
    hint,
    isUnknownField: true,
  }
}

function asProblem(
  { problem, hint, isUnknownField = false }: Refused,
  at: number,
  text: string,
): ConditionProblem {
  return { message: problem, hint: hint || undefined, isUnknownField, at, text }
}

type BoundInput<Subject> = ValueType & Pick<BoundOperand<Subject>, 'read' | 'uses'>

function bindTransform<Subject>(
  node: Extract<Operand, { kind: 'transform' }>,
  table: FieldTable<Subject>,
): BoundOperand<Subject> | Refused {
  const inputs: BoundInput<Subject>[] = []
  for (const input of node.inputs) {
    const bound = bindInput(input, table)
    if ('problem' in bound) return bound
    inputs.push(bound)
  }
  const result = transformers[node.name].accept(inputs, node.argument)
  if ('problem' in result) return result
  const apply = transformers[node.name].apply(node.argument)
  const [only] = inputs
  return {
    text: printOperand(node),
    type: result.type,
    values: result.isList ? 'list' : 'one',
    read:
      only !== undefined && inputs.length === 1
        ? (subject) => apply([only.read(subject)])
        : (subject) => apply(inputs.map((input) => input.read(subject))),
    uses: inputs.flatMap((input) => input.uses),
  }
}

function bindInput<Subject>(
  input: Input,
  table: FieldTable<Subject>,
): BoundInput<Subject> | Refused {
  if (input.kind === 'text') {
    const { text } = input
    return { type: 'string', isList: false, read: () => text, uses: [] }
  }
  if (input.kind === 'texts') return bindList(input.items, table)
  const operand = bindOperand(input, table, 'input')
  if ('problem' in operand) return operand
  return { ...operand, isList: operand.values !== 'one' }
}

/** `(a, "b", tolower(c))`: a list of what its elements give; missing as a whole where one is. */
function bindList<Subject>(
  items: readonly Input[],
  table: FieldTable<Subject>,
): BoundInput<Subject> | Refused {
  const elements: BoundInput<Subject>[] = []
  for (const item of items) {
    const element = bindInput(item, table)
    if ('problem' in element) return element
    elements.push(element)
  }
  const read = (subject: Subject) => {
    const values = elements.flatMap((element) => element.read(subject))
    return values.every((value) => value !== undefined) ? values : undefined
  }
  return { type: 'string', isList: true, read, uses: elements.flatMap(({ uses }) => uses) }
}
