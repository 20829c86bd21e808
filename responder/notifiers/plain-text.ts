/** Makes text of an event safe to show: an attacker chooses names and arguments (evasion E21). */

/** Control, direction-changing and invisible characters, which could hide or forge what people read; line ends stay. */
const deceiving = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** At most `length` UTF-16 units, never half of a pair. */
export function plainText(text: string, length: number): string {
  const clean = text.toWellFormed().replaceAll(deceiving, '\ufffd')
  if (clean.length <= length) return clean
  return `${clean
    .slice(0, length - 1)
    .toWellFormed()
    .replace(/\ufffd$/, '')}…`
}
