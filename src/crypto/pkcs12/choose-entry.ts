import type { Pkcs12Entry } from './entries.ts'
import { Pkcs12Error, shownAlias } from './error.ts'

export interface ChosenEntry {
  readonly entry: Pkcs12Entry
  /** A line for the log where the choice is not the obvious one. */
  readonly note: string | undefined
}

/** A line for the log about a file without a MAC that was read all the same. */
export const noMacNote = 'the file has no MAC, so anybody could have changed it: it was allowed'

const mostListed = 20

/**
 * The entry with that alias, without regard to case, as in Java; without an alias, the only one. A file with exactly
 * one private key that has no name answers to any alias: `openssl pkcs12 -export` without -name makes such files.
 * Throws a Pkcs12Error that lists what there is.
 */
export function chooseEntry(
  { entries }: { readonly entries: readonly Pkcs12Entry[] },
  alias: string | undefined,
): ChosenEntry {
  const [only, ...others] = entries
  if (!only)
    throw new Pkcs12Error(
      'alias',
      'the file holds no private key, only certificates: write it again with the key, for example with openssl pkcs12 -export -inkey key.pem -in certificate.pem -out keystore.p12',
    )
  if (alias === undefined) {
    if (others.length === 0) return { entry: only, note: undefined }
    throw new Pkcs12Error(
      'alias',
      `the file holds ${entries.length} private keys: name one as alias: ${listed(entries)}`,
    )
  }
  if (others.length === 0 && only.alias === undefined)
    return {
      entry: only,
      note: `the only private key of the file has no name, so it is taken for the alias ${shownAlias(alias)}`,
    }
  const [entry, ...more] = entries.filter(({ alias: name }) => name?.toLowerCase() === alias.toLowerCase())
  if (!entry)
    throw new Pkcs12Error(
      'alias',
      `the file has no private key with the alias ${shownAlias(alias)}: it has ${listed(entries)}`,
    )
  if (more.length > 0)
    throw new Pkcs12Error(
      'alias',
      `the file has ${more.length + 1} private keys with the alias ${shownAlias(alias)}: write it again with another name for each`,
    )
  return { entry, note: undefined }
}

function listed(entries: readonly Pkcs12Entry[]): string {
  const names = entries
    .slice(0, mostListed)
    .map(({ alias }) => (alias === undefined ? 'one without a name' : shownAlias(alias)))
  const rest = entries.length - names.length
  return [...names, ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
}
