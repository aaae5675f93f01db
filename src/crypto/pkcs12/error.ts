/** What kind of trouble it is, for those who act on it; people read the message. */
export type Pkcs12Problem =
  | 'not-pkcs12'
  | 'damaged'
  | 'unsupported'
  | 'limit'
  | 'no-mac'
  | 'password'
  | 'key-password'
  | 'no-certificate'
  | 'alias'

/** Says what is wrong with a PKCS#12 file and what to do about it; never repeats a password or a key. */
export class Pkcs12Error extends Error {
  override readonly name = 'Pkcs12Error'
  readonly problem: Pkcs12Problem

  constructor(problem: Pkcs12Problem, message: string) {
    super(message)
    this.problem = problem
  }
}

const longestShown = 64

/** An alias in a message: cut off, and without characters that would break a line of a log. */
export const shownAlias = (alias: string): string =>
  JSON.stringify(alias.slice(0, longestShown)).replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** What a message calls a key or a certificate: by its alias, if it has one. */
export const called = (what: string, alias: string | undefined): string =>
  alias === undefined ? `the ${what}` : `the ${what} ${shownAlias(alias)}`
