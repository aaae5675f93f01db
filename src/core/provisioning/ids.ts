/** Index entries of PostgreSQL end at 2704 bytes, and one character has up to four. */
const longestId = 500

/** What is wrong with an id that a system gave; undefined: nothing. PostgreSQL stores no NUL, an address no half character. */
export function wrongId(id: string): string | undefined {
  if (id === '') return 'is empty'
  if (id.length > longestId) return `has more than ${longestId} characters`
  if (/\p{Cc}/u.test(id) || !id.isWellFormed()) return 'has characters that no id has'
  return undefined
}

/** As above, of one that addresses are made with: `..` would lead to another. */
export const wrongPathId = (id: string): string | undefined =>
  wrongId(id) ?? (/^\.{1,2}$/.test(id) ? 'leads elsewhere in an address' : undefined)

/** What others said, as every database can store it. */
export const storable = (text: string): string => text.toWellFormed().replace(/\0/g, ' ')
