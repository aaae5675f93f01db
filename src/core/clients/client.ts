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
  readonly createdAt: number
  /** Milliseconds; undefined: does not expire. */
  readonly expiresAt: number | undefined
}

export interface ClientTable {
  byClientId(tenantId: string, clientId: string): Promise<Client | undefined>
  byCredentialId(credentialId: string): Promise<Client | undefined>
  /** Makes every token issued so far worthless. Returns false when the credential is gone. */
  raiseGeneration(credentialId: string): Promise<boolean>
}
