import { misconfigured } from '../errors.ts'
import type { TlsOptions } from '../http.ts'

/** A token request in the making: what an authentication method may write to. */
export type AuthRequest = {
  /** the token endpoint, for methods that sign for it */
  readonly tokenUrl: URL
  /** of the token server, where it is known */
  readonly issuer?: string | undefined
  readonly body: URLSearchParams
  readonly headers: Record<string, string>
  /** starts as a copy of the client's own TLS options; a method that shows a certificate puts it here */
  readonly tls: TlsOptions
  /** milliseconds since 1970, by the client's clock */
  readonly now: number
  /** an id that nobody has used before */
  newId(): string
  /** Names a value that no message may repeat, even when the server sends it back. */
  hide(value: string): void
}

/**
 * Client authentication (RFC 6749 section 2.3): adds to each request what proves who the client is. It is asked
 * anew for every try, so it may read a file or sign. What it throws ends the request without a retry.
 */
export type ClientAuth = (request: AuthRequest) => void | Promise<void>

/** Refuses an empty credential when it is configured, not when the first request fails. */
export function required(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw misconfigured(`${name} is empty. Take it from the service key (members clientid and clientsecret).`)
}
