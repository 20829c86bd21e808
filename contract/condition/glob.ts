/** fnmatch(3) without flags: `*` crosses `/`. Linear in the usual cases: a mismatch goes back to the last `*` only. */

export type Matcher = (text: string) => boolean

type Piece =
  { readonly kind: 'star' } | { readonly kind: 'one'; readonly is: (char: string) => boolean }

export const isGlob = (text: string): boolean => /[*?[\\]/.test(text)

/** The common shapes become the string methods that they mean. */
export function globMatcher(pattern: string): Matcher {
  if (!isGlob(pattern)) return (text) => text === pattern
  const inner = /^(\*?)([^*?[\\]*)(\*?)$/.exec(pattern)
  if (inner !== null) {
    const [, before, middle = '', after] = inner
    if (before && after) return (text) => text.includes(middle)
    return before ? (text) => text.endsWith(middle) : (text) => text.startsWith(middle)
  }
  const [, lead = '', tail] = /^([^*?[\\]*)(?:\*([^*?[\\]*)$)?/.exec(pattern) ?? []
  if (tail !== undefined) {
    const least = lead.length + tail.length
    return (text) => text.length >= least && text.startsWith(lead) && text.endsWith(tail)
  }
  const pieces = parsePieces(pattern)
  return (text) => text.startsWith(lead) && matches(pieces, text)
}

/** Both sides lowered as ASCII: what FNM_CASEFOLD does in the C locale. */
export function foldedGlobMatcher(pattern: string): Matcher {
  const matcher = globMatcher(lowerAscii(pattern))
  return (text) => matcher(lowerAscii(text))
}

/** Many checks in a row ask about one text. */
let lastText = ''
let lastLowered = ''

/** ASCII only, as tolower(3) in the C locale. */
export function lowerAscii(text: string): string {
  if (text === lastText) return lastLowered
  lastText = text
  lastLowered = /[A-Z]/.test(text) ? text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase()) : text
  return lastLowered
}

function matches(pieces: readonly Piece[], text: string): boolean {
  let piece = 0
  let at = 0
  let afterStar = -1
  let starAt = 0
  for (;;) {
    const current = pieces[piece]
    const char = text[at]
    if (current?.kind === 'star') {
      afterStar = ++piece
      starAt = at
    } else if (current !== undefined && char !== undefined && current.is(char)) {
      piece++
      at++
    } else if (current === undefined && char === undefined) return true
    else if (afterStar >= 0 && starAt < text.length) {
      piece = afterStar
      at = ++starAt
    } else return false
  }
}

function parsePieces(pattern: string): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at)
    if (char === '*') pieces.push({ kind: 'star' })
    else if (char === '?') pieces.push({ kind: 'one', is: () => true })
    else if (char === '\\' && at + 1 < pattern.length) pieces.push(literal(pattern.charAt(++at)))
    else {
      const set = char === '[' ? parseSet(pattern, at) : undefined
      pieces.push(set?.piece ?? literal(char))
      if (set !== undefined) at = set.end
    }
  }
  return pieces
}

const literal = (wanted: string): Piece => ({ kind: 'one', is: (char) => char === wanted })

const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[a-zA-Z0-9]/, alpha: /[a-zA-Z]/, blank: /[ \t]/, cntrl: /[^ -~\u0080-\uffff]/, digit: /[0-9]/,
  graph: /[!-~]/, lower: /[a-z]/, print: /[ -~]/, punct: /[!-/:-@[-`{-~]/, space: /[ \t\n\v\f\r]/,
  upper: /[A-Z]/, xdigit: /[0-9a-fA-F]/,
} // prettier-ignore

/** `[a-z!]`, from its opening bracket; undefined where no bracket closes it (it is then a literal). */
function parseSet(pattern: string, start: number): { piece: Piece; end: number } | undefined {
  let at = start + 1
  const isNegated = pattern[at] === '!' || pattern[at] === '^'
  if (isNegated) at++
  const tests: ((char: string) => boolean)[] = []
  for (let isFirst = true; ; isFirst = false) {
    const char = pattern[at]
    if (char === undefined) return undefined
    if (char === ']' && !isFirst) break
    const named = char === '[' ? /^\[:([a-z]+):\]/.exec(pattern.slice(at)) : null
    const known = named?.[1] === undefined ? undefined : classes[named[1]]
    if (named !== null && known !== undefined) {
      tests.push((candidate) => known.test(candidate))
      at += named[0].length
      continue
    }
    const low = takeMember(pattern, at)
    at = low.end
    if (pattern[at] === '-' && pattern[at + 1] !== ']' && at + 1 < pattern.length) {
      const high = takeMember(pattern, at + 1)
      at = high.end
      tests.push((candidate) => candidate >= low.char && candidate <= high.char)
    } else tests.push((candidate) => candidate === low.char)
  }
  const is = (char: string) => tests.some((test) => test(char)) !== isNegated
  return { piece: { kind: 'one', is }, end: at }
}

function takeMember(pattern: string, at: number): { char: string; end: number } {
  const isEscaped = pattern[at] === '\\' && at + 1 < pattern.length
  return { char: pattern.charAt(isEscaped ? at + 1 : at), end: at + (isEscaped ? 2 : 1) }
}
