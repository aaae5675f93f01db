/** An access token as the token server sees it, whatever its format. */
export interface AccessToken {
  readonly tokenId: string
  readonly credentialId: string
  readonly generation: number
  /** undefined in formats that leave it to the credential. */
  readonly clientId: string | undefined
  readonly audiences: readonly string[] | undefined
  readonly scope: readonly string[]
  /** Seconds. */
  readonly issuedAt: number
  /** Seconds. */
  readonly expiresAt: number
  /** `x5t#S256` of the certificate that the token is bound to (RFC 8705 section 3.1). */
  readonly certificateThumbprint: string | undefined
  /** The tenant key that vouches for it. */
  readonly keyId: string
}

/** A token about to be issued: its key is chosen by the format. */
export type NewAccessToken = Omit<AccessToken, 'keyId' | 'clientId' | 'audiences'> & {
  readonly clientId: string
  /** The resource that it is for. */
  readonly audience: string
}
