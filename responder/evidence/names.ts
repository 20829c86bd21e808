/** Names from outside as names of files: of one folder, of plain characters, never long, never ours. */

const mostCharacters = 200

/** Written by us beside the files; nothing else may be called so. */
export const manifestName = 'manifest.json'

/**
 * What is no letter, digit, `.`, `_`, `-` or `+` becomes `_`; no name begins with a dot, is empty, or is the manifest's.
 * Two names may become one: who stores keeps them apart.
 */
export function safeName(given: string): string {
  const plain = given
    .replaceAll(/[^\w.+-]/g, '_')
    .replace(/^\.+/, (dots) => '_'.repeat(dots.length))
  const short = plain.length > mostCharacters ? shorten(plain) : plain
  if (short === '') return '_'
  return short.toLowerCase() === manifestName ? `_${short}` : short
}

/** Keeps what tells the kind of file. */
function shorten(name: string): string {
  const ending = /\.[\w+-]{1,16}$/.exec(name)?.[0] ?? ''
  return name.slice(0, mostCharacters - ending.length) + ending
}

/** `capture.pcap`, then `capture.2.pcap`: nothing that is kept is ever written over. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted
  const { stem, ending } = /^(?<stem>.+?)(?<ending>\.[\w+-]{1,16})?$/.exec(wanted)?.groups ?? {}
  for (let count = 2; ; count++) {
    const name = `${(stem ?? wanted).slice(0, mostCharacters - 24)}.${count}${ending ?? ''}`
    if (!taken.has(name)) return name
  }
}
