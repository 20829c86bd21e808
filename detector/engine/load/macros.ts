/** Macros in a condition's tree are replaced by their own trees; who may see which is falco-compat 1.3. */
import type { Node } from '../../../contract/condition/ast.ts'

export interface MacroProblem {
  readonly message: string
  readonly name: string
  readonly at: number
}

export interface Resolved {
  readonly node: Node
  /** Every macro that was put in, at any depth. */
  readonly used: ReadonlySet<string>
  readonly problems: readonly MacroProblem[]
}

/** `undefined` for a macro that is there but broken: it was reported, and is no second mistake here. */
export type MacroTable = ReadonlyMap<string, Node | undefined>

/** Of the whole tree, macros put in: twice what one condition may nest, and far from what a stack holds. */
const MAX_DEPTH = 800

export function resolveMacros(node: Node, macros: MacroTable): Resolved {
  const used = new Set<string>()
  const problems: MacroProblem[] = []
  const visit = (
    current: Node,
    path: readonly string[],
    at: number | undefined,
    depth: number,
  ): Node => {
    if (depth === MAX_DEPTH)
      problems.push({ message: 'macros nest too deep', name: path[0] ?? '', at: at ?? current.at })
    if (depth >= MAX_DEPTH) return current
    switch (current.kind) {
      case 'and':
      case 'or':
        return {
          ...current,
          children: current.children.map((child) => visit(child, path, at, depth + 1)),
        }
      case 'not':
        return { ...current, child: visit(current.child, path, at, depth + 1) }
      case 'exists':
      case 'compare':
        return current
      case 'macro': {
        const { name } = current
        const place = at ?? current.at
        const body = macros.get(name)
        if (path.includes(name))
          problems.push({ message: `reference loop in macro '${name}'`, name, at: place })
        else if (body !== undefined) {
          used.add(name)
          return visit(body, [...path, name], place, depth + 1)
        } else if (!macros.has(name))
          problems.push({ message: `Undefined macro '${name}' used in filter.`, name, at: place })
        return current
      }
    }
  }
  return { node: visit(node, [], undefined, 0), used, problems }
}
