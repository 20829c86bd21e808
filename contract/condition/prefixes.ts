/** `pmatch`: is a path one of the listed prefixes, or below one? Compared component by component, each may hold a glob. */
import { globMatcher, isGlob, type Matcher } from './glob.ts'

interface Level {
  isEnd: boolean
  readonly named: Map<string, Level>
  readonly globbed: { readonly matches: Matcher; readonly level: Level }[]
}

const newLevel = (): Level => ({ isEnd: false, named: new Map(), globbed: [] })

export function prefixMatcher(prefixes: readonly string[]): Matcher {
  const root = newLevel()
  for (const prefix of prefixes) {
    let level = root
    for (const component of split(prefix)) level = descend(level, component)
    level.isEnd = true
  }
  return (path) => isBelow(root, split(path), 0)
}

function descend(level: Level, component: string): Level {
  const known = level.named.get(component)
  if (known !== undefined) return known
  const next = newLevel()
  if (isGlob(component)) level.globbed.push({ matches: globMatcher(component), level: next })
  else level.named.set(component, next)
  return next
}

function isBelow(level: Level, components: readonly string[], at: number): boolean {
  if (level.isEnd) return true
  const component = components[at]
  if (component === undefined) return false
  const named = level.named.get(component)
  if (named !== undefined && isBelow(named, components, at + 1)) return true
  return level.globbed.some(
    (branch) => branch.matches(component) && isBelow(branch.level, components, at + 1),
  )
}

/** Falco takes the root for a component of its own: the prefix `/` matches only `/`. */
function split(path: string): string[] {
  const components = path.split('/').filter((component) => component !== '')
  return components.length === 0 ? ['/'] : components
}
