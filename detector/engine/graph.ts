/** Conditions of many rules as one graph: what is written alike is one node, so that it is computed once an event. */
import type { Bound, BoundTest } from '../../contract/condition/bound.ts'

export interface GraphNode<Subject> {
  readonly id: number
  readonly value:
    | { readonly kind: 'and' | 'or'; readonly children: readonly GraphNode<Subject>[] }
    | { readonly kind: 'not'; readonly child: GraphNode<Subject> }
    | Extract<Bound<Subject>, { kind: 'exists' }>
    | BoundTest<Subject>
  /** From how many places it is asked for. */
  uses: number
}

export class Graph<Subject> {
  readonly #nodes = new Map<string, GraphNode<Subject>>()

  /** A condition that is asked for from outside the graph. */
  add(condition: Bound<Subject>): GraphNode<Subject> {
    const node = this.#intern(condition)
    node.uses++
    return node
  }

  #intern(condition: Bound<Subject>): GraphNode<Subject> {
    switch (condition.kind) {
      case 'and':
      case 'or': {
        const children = condition.children.map((child) => this.#intern(child))
        const key = `${condition.kind} ${children.map(({ id }) => id).join(' ')}`
        return this.#node(key, { kind: condition.kind, children }, children)
      }
      case 'not': {
        const child = this.#intern(condition.child)
        return this.#node(`not ${child.id}`, { kind: 'not', child }, [child])
      }
      case 'exists':
      case 'test':
        return this.#node(`is ${condition.text}`, condition, [])
    }
  }

  /** Only a new parent counts as a use: one that is known asks its children once. */
  #node(
    key: string,
    value: GraphNode<Subject>['value'],
    children: readonly GraphNode<Subject>[],
  ): GraphNode<Subject> {
    const known = this.#nodes.get(key)
    if (known !== undefined) return known
    for (const child of children) child.uses++
    const node = { id: this.#nodes.size, value, uses: 0 }
    this.#nodes.set(key, node)
    return node
  }
}
