/** JavaScript expressions for the nodes of a graph. What they print is fixed words, numbers and names of our own. */
import type { Comparison } from '../../contract/condition/ast.ts'
import type { BoundOperand, BoundTest } from '../../contract/condition/bound.ts'
import { againstValue, holds, isPresent, withModifier } from '../../contract/condition/interpret.ts'
import { familyOf } from '../../contract/condition/operators.ts'
import type { FieldValue, Scalar } from '../../contract/condition/values.ts'
import type { GraphNode } from './graph.ts'

/** Above this many listed values a Set is asked, below it they are compared one by one. */
const MAX_COMPARED = 3

/** Operators that JavaScript has. */
const symbols: Partial<Readonly<Record<Comparison, string>>> = {
  '!=': '!==', '<': '<', '<=': '<=', '>': '>', '>=': '>=',
} // prettier-ignore
const methods: Partial<Readonly<Record<Comparison, string>>> = {
  contains: 'includes', startswith: 'startsWith', endswith: 'endsWith',
} // prettier-ignore

/** Up to 30 lists that a field is looked for in: one look-up answers them all, a bit each. */
interface SetGroup {
  readonly name: string
  readonly bits: Map<Scalar, number>
  readonly lists: Map<string, number>
}
const MAX_LISTS = 30

/**
 * Names of locals that are surely set where an expression stands: they need no check for it. What is set by the first
 * operand of && or || is set after the whole; what the others set, only inside it.
 */
type SetLocals = Set<string>

export class Emitter {
  readonly constants: unknown[] = []
  readonly #names = new Map<unknown, string>()
  readonly #readers = new Map<string, string>()
  readonly #memos = new Map<number, string>()
  readonly #groups = new Map<string, SetGroup>()

  /** The name under which generated code sees a value. */
  constant(value: unknown): string {
    const known = this.#names.get(value)
    if (known !== undefined) return known
    const name = `c${this.constants.length}`
    this.constants.push(value)
    this.#names.set(value, name)
    return name
  }

  /** Declarations: a field is null until it is read, a memo 0 until computed, then 1 or 2. */
  locals(): string[] {
    const fields = Array.from(this.#readers.keys(), (_text, index) => `f${index} = null`)
    const memos = Array.from(this.#memos.values(), (name) => `${name} = 0`)
    const groups = Array.from(this.#groups.values(), ({ name }) => `${name} = -1`)
    const all = [...fields, ...memos, ...groups]
    return all.length === 0 ? [] : [`let ${all.join(', ')}`]
  }

  node(node: GraphNode<never>, isSet: SetLocals): string {
    if (node.uses === 1 || isCheap(node)) return this.#plain(node, isSet)
    const memo = this.#memos.get(node.id) ?? `m${this.#memos.size}`
    this.#memos.set(node.id, memo)
    if (isSet.has(memo)) return `(${memo} === 1)`
    const expression = this.#plain(node, isSet)
    isSet.add(memo)
    return `((${memo} || (${memo} = ${expression} ? 1 : 2)) === 1)`
  }

  #plain({ value }: GraphNode<never>, isSet: SetLocals): string {
    switch (value.kind) {
      case 'and':
        return this.#chain(value.children, '&&', isSet)
      case 'or':
        return this.#chain(value.children, '||', isSet)
      case 'not':
        return `!${this.node(value.child, isSet)}`
      case 'exists':
        return value.left.values === 'one'
          ? `(${this.#read(value.left, isSet)} !== undefined)`
          : `${this.constant(isPresent)}(${this.#read(value.left, isSet)})`
      case 'test':
        return this.#test(value, isSet)
    }
  }

  #chain(
    [first, ...others]: readonly GraphNode<never>[],
    symbol: string,
    isSet: SetLocals,
  ): string {
    if (first === undefined) return symbol === '&&' ? 'true' : 'false'
    const head = this.node(first, isSet)
    const inside = new Set(isSet)
    const rest = others.map((child) => this.node(child, inside))
    return `(${[head, ...rest].join(` ${symbol} `)})`
  }

  /** Reads on first use; missing is undefined, unread is null, which no field ever is. */
  #read(operand: BoundOperand<never>, isSet: SetLocals): string {
    const name = this.#local(operand)
    if (isSet.has(name)) return name
    isSet.add(name)
    const reader = this.#readers.get(operand.text) ?? ''
    return `(${name} === null ? ${name} = ${reader}(event) : ${name})`
  }

  /** One reader a field, whichever of its uses came first. */
  #local(operand: BoundOperand<never>): string {
    if (!this.#readers.has(operand.text))
      this.#readers.set(operand.text, this.constant(operand.read))
    return `f${[...this.#readers.keys()].indexOf(operand.text)}`
  }

  #test(test: BoundTest<never>, isSet: SetLocals): string {
    const { left, right } = test
    if (right.kind === 'operand') {
      const compare = (value: FieldValue, other: FieldValue) =>
        isPresent(value) && isPresent(other) && holds(test, value, againstValue(test, other))
      const values = `${this.#read(left, isSet)}, ${this.#read(right.operand, isSet)}`
      return `${this.constant(compare)}(${values})`
    }
    const read = this.#read(left, isSet)
    if (left.values === 'one' && test.modifier === undefined) {
      const inline = this.#inline(test, read, right.values, isSet)
      if (inline !== undefined) return inline
    }
    const holdsFor = withModifier(test.modifier, right.tests)
    if (left.values === 'one')
      return `(${read} !== undefined && ${this.constant(holdsFor)}(${this.#local(left)}))`
    const holdsForAll = (value: FieldValue) => isPresent(value) && holds(test, value, holdsFor)
    return `${this.constant(holdsForAll)}(${read})`
  }

  /** The operators that JavaScript has; `undefined` on the left makes each of them false. */
  #inline(
    { left, comparison }: BoundTest<never>,
    read: string,
    values: readonly Scalar[],
    isSet: SetLocals,
  ): string | undefined {
    const family = familyOf(left.type)
    if (family === 'bytes' || family === 'net') return undefined
    const local = this.#local(left)
    if (['=', 'in', 'intersects'].includes(comparison))
      return this.#isAmong(local, read, values, isSet)
    const constant = this.constant(values[0])
    const symbol = symbols[comparison]
    const method = methods[comparison]
    if (symbol !== undefined) return `(${read} !== undefined && ${local} ${symbol} ${constant})`
    const guard = comparison === 'startswith' ? this.#secondLetter(local, String(values[0])) : ''
    return method && `(${read} !== undefined && ${guard}${local}.${method}(${constant}))`
  }

  /** Paths differ after their first slash: one letter compared spares most calls. */
  #secondLetter(local: string, prefix: string): string {
    return prefix.length < 2
      ? ''
      : `${local}.charCodeAt(1) === ${this.constant(prefix.charCodeAt(1))} && `
  }

  #isAmong(local: string, read: string, values: readonly Scalar[], isSet: SetLocals): string {
    const [first, ...others] = values.map((value) => this.constant(value))
    // Read all the same: what follows counts on it.
    if (first === undefined) return `(${read}, false)`
    if (values.length > MAX_COMPARED) return this.#isMember(local, read, values, isSet)
    const more = others.map((other) => ` || ${local} === ${other}`).join('')
    return `(${read} === ${first}${more})`
  }

  /** Rules ask for one field in many lists: the first time its value is looked up in all of them. */
  #isMember(local: string, read: string, values: readonly Scalar[], isSet: SetLocals): string {
    const { group, bit } = this.#listOf(local, values)
    const { name, bits } = group
    if (isSet.has(name)) return `((${name} & ${bit}) !== 0)`
    isSet.add(name)
    const looked = `(${name} === -1 ? ${name} = ${this.constant(bits)}.get(${read}) ?? 0 : ${name})`
    return `((${looked} & ${bit}) !== 0)`
  }

  #listOf(local: string, values: readonly Scalar[]): { group: SetGroup; bit: number } {
    const list = JSON.stringify(values.map((value) => [typeof value, String(value)]))
    for (let index = 0; ; index++) {
      const key = `${local} ${index}`
      const name = `g${this.#groups.size}`
      const group = this.#groups.get(key) ?? { name, bits: new Map(), lists: new Map() }
      this.#groups.set(key, group)
      const known = group.lists.get(list)
      if (known !== undefined) return { group, bit: known }
      if (group.lists.size >= MAX_LISTS) continue
      const bit = 1 << group.lists.size
      group.lists.set(list, bit)
      for (const value of values) group.bits.set(value, (group.bits.get(value) ?? 0) | bit)
      return { group, bit }
    }
  }
}

/** Cheaper to compute again than to remember: one comparison of a field that is in a local already. */
function isCheap({ value }: GraphNode<never>): boolean {
  if (value.kind === 'not') return isCheap(value.child)
  if (value.kind !== 'test') return value.kind === 'exists'
  const { left, right, comparison } = value
  const family = familyOf(left.type)
  if (left.values !== 'one' || right.kind !== 'constants' || family === 'net' || family === 'bytes')
    return false
  return comparison === '=' || symbols[comparison] !== undefined
}
