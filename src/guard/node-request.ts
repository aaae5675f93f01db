import type { IncomingMessage } from 'node:http'
import type { GuardedRequest } from './bearer.ts'

/** What the guard needs of a request of node:http or node:https, under whatever framework. */
export interface NodeRequest {
  readonly url?: string | undefined
  readonly headers: { readonly authorization?: string | undefined }
  readonly headersDistinct?: Readonly<Record<string, readonly string[] | undefined>>
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[]
  readonly socket: IncomingMessage['socket']
}

/**
 * Reads a request of node:http. `headers` keeps only the first of two Authorization headers, so `headersDistinct` is
 * asked where there is one; the query is read from the address, because frameworks parse it each in their own way.
 */
export function guardedRequest(
  { url = '', headers, headersDistinct }: NodeRequest,
  certificate: GuardedRequest['certificate'],
): GuardedRequest {
  const question = url.indexOf('?')
  return {
    authorization: headersDistinct?.authorization ?? headers.authorization,
    query: question < 0 ? undefined : new URLSearchParams(url.slice(question + 1)),
    certificate,
  }
}

/** All values of a header, one per line in which it came; `name` in lower case. */
export function headerValues({ rawHeaders }: NodeRequest, name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name)
}
