import { day, iso } from '../context.ts'
import type { RegisteredCertificate } from './certificates.ts'

/**
 * An OAuth client: one service key with what its instance allows. Each credential has a random internal id and a
 * generation; both stand in every token and are compared on each use, so that a client id used again never
 * inherits old tokens.
 */
export interface Client {
  readonly credentialId: string
  readonly generation: number
  readonly clientId: string
  readonly tenantId: string
  readonly instanceId: string
  readonly instanceName: string
  readonly keyName: string
  readonly plan: string
  readonly dialect: string
  readonly roles: ReadonlySet<string>
  readonly grantTypes: readonly string[]
  /** Seconds. */
  readonly tokenValidity: number
  readonly tokenFormat: string
  /** Tokens got with a certificate are bound to it (RFC 8705 section 3). */
  readonly bindTokens: boolean
  /** Whom an assertion may be made for: the issuer, or for older clients the token endpoint as well. */
  readonly assertionAudience: AssertionAudience
  /** What happens to an assertion that was used before: it is refused, or reported in the log. */
  readonly assertionReplay: AssertionReplay
  /** The kind of credential: `secret`, ... */
  readonly type: string
  readonly secretDigest: Buffer | undefined
  /** The secret before the last rotation, good until then. */
  readonly previousSecret: { readonly digest: Buffer; readonly until: number } | undefined
  /** The whole certificate is the identity; else a later one of the same names and issuer succeeds it. */
  readonly pinned: boolean
  readonly certificates: readonly RegisteredCertificate[]
  readonly createdAt: number
  /** Milliseconds; undefined: does not expire. */
  readonly expiresAt: number | undefined
  /** What a registered client is, who has no service key. */
  readonly registration?: Registration
  /** What an application is, whose credentials count at its own addresses alone. */
  readonly application?: ApplicationFacts
}

/**
 * A registered client (SAP Neo): its id was chosen, and its roles are those of its user at the runtime node that it is
 * subscribed to. They are looked at when a token is used, not when it is issued, and so is the lifetime.
 */
export interface Registration {
  /** `oauth_client_<client id>`. */
  readonly user: string
  /** The runtime node at whose flows its tokens are good. */
  readonly node: string
  readonly disabled: boolean
  /** argon2id of a secret that a person chose; undefined: the secret was generated, see `secretDigest`. */
  readonly chosenSecret: string | undefined
}

/** An application (Microsoft Entra) as a client: it may have several secrets and certificates at once. */
export interface ApplicationFacts {
  /** GUID of its service principal. */
  readonly objectId: string
  readonly disabled: boolean
  readonly secrets: readonly { readonly digest: Buffer; readonly expiresAt: number | undefined }[]
  readonly certificates: readonly {
    /** `x5t#S256`. */
    readonly thumbprint: string
    readonly der: Buffer
    readonly notBefore: number
    readonly notAfter: number
  }[]
}

/** Seconds; what the lifetime of the tokens of a registered client may be at most. */
export const longestTokenLifetime = (180 * day) / 1000

export type AssertionAudience = 'issuer' | 'token-endpoint'
export type AssertionReplay = 'refused' | 'reported'

export interface ClientTable {
  byClientId(tenantId: string, clientId: string): Promise<Client | undefined>
  byCredentialId(credentialId: string): Promise<Client | undefined>
  /** The client that holds a certificate, in whatever state. */
  byCertificate(tenantId: string, thumbprint: string): Promise<Client | undefined>
  /** Makes every token issued so far worthless. Returns false when the credential is gone. */
  raiseGeneration(credentialId: string): Promise<boolean>
}

/** Why a credential that is right is not good any more. */
export function outOfUse(client: Client, now: number): string | undefined {
  if (client.expiresAt !== undefined && client.expiresAt <= now)
    return `the key expired at ${iso(client.expiresAt)}`
  if (client.registration?.disabled) return 'the client is disabled'
  if (client.application?.disabled) return 'the application is disabled'
  return undefined
}

/** Does the key of this client prove itself by a certificate, at the address that asks for one? */
export const needsCertificate = ({ type }: Pick<Client, 'type'>): boolean => type.startsWith('certificate')

/** Whom a problem is about. */
export const subjectOf = ({ clientId, credentialId, instanceName, keyName }: Client) => ({
  clientId,
  credentialId,
  instance: instanceName,
  key: keyName,
})
