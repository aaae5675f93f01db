import type { AccessTokenClaims, Refusal } from '../../../guard/access-token.ts'
import type { Addresses } from '../../addresses.ts'
import type { Client } from '../../clients/index.ts'
import type { Tenant } from '../../tenant.ts'
import type { KeyLine } from '../store.ts'
import type { NewAccessToken } from '../token.ts'

/** Whose token is spoken of. */
export interface About {
  readonly client: Client
  readonly tenant: Tenant
  readonly addresses: Addresses
}

/** To whom a token is issued. */
export interface IssuedTo extends About {
  /** How the client has proven itself, by the name in the registry of authentication methods (RFC 8414 section 2). */
  readonly method: string
}

/** What a dialect reads out of the claims of a JWT that has been verified as one of ours. */
export interface ReadClaims {
  /** `<credential id>.<generation>`, wherever the dialect keeps it; not looked at yet. */
  readonly credential: unknown
  readonly scope: readonly string[]
  readonly audiences: readonly string[]
}

/** A token as the token endpoint hands it out. */
export interface HandedOut {
  readonly accessToken: string
  readonly tokenId: string
  /** Seconds. */
  readonly lifetime: number
  readonly scope: readonly string[]
}

/**
 * How a vendor's clients expect the token server to look: a property of the client. A dialect says how tokens and
 * answers are written down, never what is checked. A new one is a file here and a line in the list; how it looks
 * over HTTP (addresses, errors) is its file in `adapters/http/dialects`.
 */
export interface Dialect {
  /** As in the parameter `dialect` of an instance. */
  readonly name: string
  /** May a service instance be of it? Others belong to another kind of client. */
  readonly ofInstances: boolean
  /** The line of signing keys that its JWTs are signed with; no other key vouches for them. */
  readonly keyLine: Exclude<KeyLine, 'enc'>
  /** What `typ` of its JWTs may be, in lower case. */
  readonly types: ReadonlySet<string>
  /** What its clients call token formats, beside their own names. */
  readonly formatNames?: ReadonlyMap<string, string>
  /** How its JWTs write their scopes: `a b`, or `["a", "b"]`. */
  readonly scopeForm: 'text' | 'list'
  /** `iss` of its tokens. */
  issuer(tenant: Tenant, addresses: Addresses): string
  /** The JOSE header of its JWTs but for `alg` and `kid`; depends on nothing but the tenant. */
  header(tenant: Tenant, addresses: Addresses): Readonly<Record<string, string>>
  /** The claims of a JWT. */
  claims(token: NewAccessToken, to: IssuedTo): Readonly<Record<string, unknown>>
  read(claims: AccessTokenClaims): ReadClaims | Refusal
  /** The answer of the token endpoint (RFC 6749 section 5.1). */
  response(token: HandedOut): Readonly<Record<string, unknown>>
  /** What a service key of this dialect has beside the described members. */
  keyMembers(key: KeyOf): Readonly<Record<string, unknown>>
  /** What introspection says to a client of this dialect about an active token, beside `active` (RFC 7662 section 2.2). */
  introspection(token: NewAccessToken, about: About & { readonly issuer: string }): Record<string, unknown>
}

/** Whose service key is spoken of. */
export interface KeyOf extends Omit<About, 'client'> {
  readonly plan: string
  /** The type of the key. */
  readonly type: string
}

/** The member `cnf` of a token that is bound to a certificate (RFC 8705 section 3.1). */
export function confirmation({ certificateThumbprint }: Pick<NewAccessToken, 'certificateThumbprint'>) {
  return certificateThumbprint && { cnf: { 'x5t#S256': certificateThumbprint } }
}

/** The credential and its generation, so that a token dies with it even where its client id is used again. */
export const credentialOf = ({ credentialId, generation }: NewAccessToken) => `${credentialId}.${generation}`
