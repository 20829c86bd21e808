/** Collects the problems of a load, and finds their places inside conditions. */
import {
  type Context,
  type Detail,
  inside,
  lastSpot,
  type LoadProblem,
  type Report,
  type Spot,
} from './places.ts'
import { isErrorCode } from './codes.ts'
import type { Written } from './items.ts'

export interface Reporter {
  readonly problems: LoadProblem[]
  readonly report: Report
}

export function newReporter(): Reporter {
  const problems: LoadProblem[] = []
  const report: Report = (code, message, context, detail = {}) => {
    const { spot = lastSpot(context), hint, excerpt, loadedWith = context[0].label } = detail
    problems.push({
      code,
      severity: isErrorCode(code) ? 'error' : 'warning',
      message: hint === undefined ? message : `${message} (${hint})`,
      file: spot.file,
      line: spot.line + 1,
      column: spot.column + 1,
      length: spot.length,
      falcoMessage: message,
      context,
      loadedWith,
      ...(excerpt && { excerpt }),
    })
  }
  return { problems, report }
}

/** A report like `report` whose problems belong to the load of another file than the one that began the item. */
export const onBehalfOf =
  (report: Report, loadedWith: string): Report =>
  (code, message, context, detail) =>
    report(code, message, context, { loadedWith, ...detail })

/** Falco's innermost link for a place in a condition: named by its beginning, lines and columns added up. */
export function inCondition(context: Context, text: string, offset: number): Context {
  const beginning = (text.length > 20 ? `${text.slice(0, 17)}...` : text).replaceAll(/[\n\r]/g, ' ')
  const lines = text.slice(0, offset).split(/[\r\n]/)
  const outer = lastSpot(context)
  const spot: Spot = {
    file: outer.file,
    offset: outer.offset + offset,
    length: 1,
    line: outer.line + lines.length,
    column: outer.column + (lines.at(-1)?.length ?? 0) + 1,
  }
  const [...links] = inside(context, 'condition expression', '', spot)
  const [first] = context
  return [
    first,
    ...links.slice(1, -1),
    { type: 'condition expression', name: '', label: `"${beginning}"`, spot },
  ]
}

/** The place in the file of an offset in a written text. */
export function spotIn(written: Written, offset: number, length: number): Spot {
  const part = written.parts.findLast(({ start }) => start <= offset) ?? written.parts[0]
  return part === undefined
    ? lastSpot(written.context)
    : part.node.spotAt(offset - part.start, length)
}

/**
 * Where a mistake found in an expanded condition was written: the name in question if it can be seen in one of the
 * texts (the rule's own, then its macros'), else the offset as far as the text before or after it is unchanged.
 */
export function placeOf(
  written: Written,
  expanded: string,
  offset: number,
  name: string,
  macros: readonly Written[],
): Pick<Detail, 'spot' | 'excerpt'> {
  const excerpt = { text: expanded, offset }
  if (name !== '')
    for (const source of [written, ...macros]) {
      const at = source.text.indexOf(name)
      if (at >= 0) return { spot: spotIn(source, at, name.length), excerpt }
    }
  const own = written.text
  const lead = commonLead(own, expanded)
  const tail = expanded.length - offset
  const at = offset <= lead ? offset : tail <= commonTail(own, expanded) ? own.length - tail : lead
  return { spot: spotIn(written, Math.max(0, at), 1), excerpt }
}

function commonLead(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

function commonTail(a: string, b: string): number {
  let length = 0
  while (length < a.length && a.at(-1 - length) === b.at(-1 - length)) length++
  return length
}
