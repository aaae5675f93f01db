import { discover } from './discover.ts'
import type { TokenClient } from './token-client.ts'
import { createTokenClient } from './token-client.ts'
import type { TokenClientOptions } from './token-client-options.ts'

export type IssuerClientOptions = Omit<TokenClientOptions, 'tokenUrl' | 'mtlsTokenUrl' | 'issuer'> & {
  signal?: AbortSignal | undefined
}

/**
 * A token client for a token server of which the issuer alone is known: reads its metadata once. Requests that show
 * a certificate go to the address that the server names for them (`mtls_endpoint_aliases`, RFC 8705 section 5).
 * Throws TokenError.
 */
export async function tokenClientFromIssuer(
  issuer: string,
  { signal, ...options }: IssuerClientOptions,
): Promise<TokenClient> {
  const { tls, timeoutMs, allowInsecure, wait, random } = options
  const found = await discover(issuer, { tls, timeoutMs, allowInsecure, wait, random, signal })
  return createTokenClient({
    ...options,
    issuer: found.issuer,
    tokenUrl: found.tokenEndpoint,
    mtlsTokenUrl: found.mtlsTokenEndpoint,
  })
}
