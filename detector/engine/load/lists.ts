/**
 * Lists are put into a condition as text before it is parsed (falco-compat 1.3): a list's name stands for its items
 * wherever it is between blanks, brackets, commas or equals signs, also inside a quoted text. So does Falco.
 */
import type { Placed } from './collect.ts'
import { quoted } from './exceptions.ts'
import type { ListItem } from './items.ts'

export interface ExpandedList {
  readonly name: string
  readonly items: readonly string[]
}

/** An item that names a list defined before is that list's items, one level deep; `used` collects such names. */
export function expandLists(
  lists: ReadonlyMap<string, Placed<ListItem>>,
  used: Set<string>,
): readonly ExpandedList[] {
  const ordered = [...lists.values()].toSorted((a, b) => a.index - b.index)
  return ordered.map((list) => {
    const items = list.items.flatMap((item) => {
      const named = lists.get(item)
      if (named === undefined || named.index >= list.visibility) return [item]
      used.add(named.name)
      return named.items
    })
    return { name: list.name, items }
  })
}

export function substituteLists(
  condition: string,
  lists: readonly ExpandedList[],
  used: Set<string>,
): string {
  let text = condition
  for (const list of lists) {
    const changed = substitute(text, list)
    if (changed === undefined) continue
    used.add(list.name)
    text = changed
  }
  return text
}

const isBlank = (char: string) => char !== '' && ' \t\n\r'.includes(char)
const isEdge = (char: string) => char === '' || ' \t\n\r(),='.includes(char)

/** Undefined where the list's name does not occur. */
function substitute(condition: string, list: ExpandedList): string | undefined {
  let text = condition
  let wasFound = false
  let start = text.indexOf(list.name)
  while (start >= 0) {
    let end = start + list.name.length
    if (isEdge(text.charAt(start - 1)) && isEdge(text.charAt(end))) {
      wasFound = true
      while (start > 0 && isBlank(text.charAt(start - 1))) start--
      while (isBlank(text.charAt(end))) end++
      const items = list.items.map(quoted).join(', ')
      if (items === '') {
        if (text.charAt(start - 1) === ',') start--
        else if (text.charAt(end) === ',') end++
      }
      const before = start > 0 ? `${text.slice(0, start)} ` : ''
      text = `${before}${items} ${text.slice(end)}`
      start += items.length + 1
    }
    start = text.indexOf(list.name, start + 1)
  }
  return wasFound ? text : undefined
}
