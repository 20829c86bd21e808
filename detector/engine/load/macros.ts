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

export function resolveMacros(node: Node, macros: MacroTable): Resolved {
  const used = new Set<string>()
  const problems: MacroProblem[] = []
  const visit = (current: Node, path: readonly string[], at: number | undefined): Node => {
    switch (current.kind) {
      case 'and':
      case 'or':
        return { ...current, children: current.children.map((child) => visit(child, path, at)) }
      case 'not':
        return { ...current, child: visit(current.child, path, at) }
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
          return visit(body, [...path, name], place)
        } else if (!macros.has(name))
          problems.push({ message: `Undefined macro '${name}' used in filter.`, name, at: place })
        return current
      }
    }
  }
  return { node: visit(node, [], undefined), used, problems }
}
