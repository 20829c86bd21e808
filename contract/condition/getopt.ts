/** getopt(3)'s reading of a command's arguments: short options only, long ones are passed over. */

/**
 * Without `selected` every option and then its value, `?` for an unknown one, '' where a value is missing;
 * with it the last value of that option (the letter itself where it takes none), undefined where it is not given.
 */
export function getopt(
  words: readonly string[],
  optionText: string,
  selected: string | undefined,
): string | readonly string[] | undefined {
  const options = parseOptions(optionText)
  const found: string[] = []
  let last: string | undefined
  const emit = (letter: string, value: string | undefined) => {
    if (selected === undefined) found.push(letter, ...(value === undefined ? [] : [value]))
    else if (letter === selected) last = value ?? letter
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (/^--./s.test(word)) continue
    if (!/^-[^-]/s.test(word)) break
    for (let index = 1; index < word.length; index++) {
      const letter = word.charAt(index)
      const takesValue = options.get(letter)
      if (takesValue === undefined) {
        if (selected === undefined) found.push('?')
      } else if (takesValue) {
        const rest = word.slice(index + 1)
        const value = rest === '' ? words[++at] : rest
        if (value !== undefined) emit(letter, value)
        else if (selected === undefined) found.push('')
        else if (letter === selected) last = ''
        break
      } else emit(letter, undefined)
    }
  }
  return selected === undefined ? found : last
}

/** `a:b` → a takes a value, b does not. */
function parseOptions(text: string): ReadonlyMap<string, boolean> {
  const options = new Map<string, boolean>()
  for (const [, letter = '', colon] of text.matchAll(/([^:])(:?)/gs))
    options.set(letter, colon === ':' || options.get(letter) === true)
  return options
}
