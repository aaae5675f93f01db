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
}

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
    return `the key expired at ${new Date(client.expiresAt).toISOString()}`
  return undefined
}

/** Does the key of this client prove itself by a certificate, at the address that asks for one? */
export const needsCertificate = ({ type }: Client): boolean => type.startsWith('certificate')

/** Whom a problem is about. */
export const subjectOf = ({ clientId, credentialId, instanceName, keyName }: Client) => ({
  clientId,
  credentialId,
  instance: instanceName,
  key: keyName,
})
