import type { GuardedRequest } from './bearer.ts'

/** What the guard needs of a request of node:http, under whatever framework. */
export interface NodeRequest {
  readonly url?: string | undefined
  readonly headers: { readonly authorization?: string | undefined }
  readonly headersDistinct?: Readonly<Record<string, readonly string[] | undefined>>
}

/**
 * Reads a request of node:http. `headers` keeps only the first of two Authorization headers, so `headersDistinct` is
 * asked where there is one; the query is read from the address, because frameworks parse it each in their own way.
 */
export function guardedRequest({ url = '', headers, headersDistinct }: NodeRequest): GuardedRequest {
  const question = url.indexOf('?')
  return {
    authorization: headersDistinct?.authorization ?? headers.authorization,
    query: question < 0 ? undefined : new URLSearchParams(url.slice(question + 1)),
  }
}
