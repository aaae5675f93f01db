import type { Refusal } from '../../../guard/access-token.ts'
import type { Addresses } from '../../addresses.ts'
import type { Tenant } from '../../tenant.ts'
import type { Dialect, IssuedTo } from '../dialects/dialect.ts'
import type { Keyring } from '../keyring.ts'
import type { AccessToken, NewAccessToken } from '../token.ts'

/** Whose tokens are meant, and when. */
export interface FormatContext {
  readonly keyring: Keyring
  readonly tenant: Tenant
  readonly addresses: Addresses
  /** Milliseconds. */
  readonly now: number
}

/** Whom a token is for, and how its client wants it to look. */
export interface Speaking extends IssuedTo {
  readonly dialect: Dialect
}

/** How an access token is written down. A new format is a file here and a line in the list. */
export interface TokenFormat {
  /** As in the parameter `token_format`. */
  readonly name: string
  /** Does this text look like a token of this format? Exactly one format says yes. */
  recognises(text: string): boolean
  /** Does it sign, with a key of the line of the dialect? */
  readonly signs: boolean
  issue(token: NewAccessToken, speaking: Speaking, context: FormatContext): string
  /** Proves that we issued it and that its dates are right; not that it may still be used. */
  verify(text: string, context: FormatContext): AccessToken | Refusal
}
