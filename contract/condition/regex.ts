/** RE2 in POSIX syntax, anchored at both ends, as Falco compiles it: linear time whatever the pattern. */
import { RE2JS } from 're2js'
import type { Matcher } from './glob.ts'

/** What RE2 takes only in Perl syntax: named classes, boundaries, groups with `(?`, lazy quantifiers. */
const perlOnly = /\\(?:\\|[dDsSwWbBACzZQEpP])|\(\?|[*+?}][?+]/g

export function regexMatcher(pattern: string): Matcher | { readonly problem: string } {
  const perl = [...withoutSets(pattern).matchAll(perlOnly)].find(([found]) => found !== '\\\\')
  if (perl !== undefined)
    return { problem: `${perl[0]} in a regex is not POSIX syntax, which is all that rules may use` }
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.MULTILINE | RE2JS.LONGEST_MATCH)
    return (text) => compiled.testExact(text)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { problem: `invalid regular expression: ${error.message}` }
  }
}

/** Bracketed sets blanked out: `[?+]` is no quantifier. */
const withoutSets = (pattern: string) =>
  pattern.replaceAll(/\\.|\[\^?\]?(?:\[:\w+:\]|[^\]])*\]/gs, (found) =>
    found.startsWith('[') ? 'x' : found,
  )
