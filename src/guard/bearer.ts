import type { CertificateProblem, PresentedCertificate } from './presented-certificate.ts'
import type { Problem, Problems } from './problem.ts'

/** What the guard looks at in a request. */
export interface GuardedRequest {
  /** The Authorization header; all of them where a request has several (`headersDistinct` in Node). */
  readonly authorization?: string | readonly string[] | undefined
  /**
   * The certificate that the caller has proven to hold: what `certificateOfSocket` or `readForwardedCertificate` gives,
   * or its thumbprint alone. It never identifies a caller here; a token that is bound to it counts with it (RFC 8705
   * section 3).
   */
  readonly certificate?: Pick<PresentedCertificate, 'thumbprint'> | CertificateProblem | undefined
  /** The query, so that a token in it is refused (RFC 9700 section 4.3.2). */
  readonly query?: URLSearchParams | Readonly<Record<string, unknown>> | undefined
}

const longestToken = 16_384
const form = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i

/** The access token of a request: in the Authorization header, once, and nowhere else (RFC 6750 section 2). */
export function readBearer(
  { authorization, query }: GuardedRequest,
  problems: Problems,
): { readonly token: string } | Problem {
  if (query && hasAccessToken(query))
    return problems.invalidRequest(
      'an access token belongs in the Authorization header',
      'the query holds an access_token; addresses end in logs, so that token should be revoked',
    )
  const headers = typeof authorization === 'string' ? [authorization] : (authorization ?? [])
  const [header] = headers
  if (headers.length > 1) return severalCredentials(problems, `${headers.length} Authorization headers`)
  if (header === undefined) return problems.noCredentials('the request has no Authorization header')
  if (header.length > longestToken + 100)
    return problems.invalidToken(`the Authorization header has ${header.length} characters`)
  if (!/^Bearer(?: |$)/i.test(header))
    return problems.noCredentials('the Authorization header is of another scheme than Bearer')
  const token = form.exec(header)?.[1]
  if (token) return { token }
  return header.includes(',')
    ? severalCredentials(
        problems,
        'an Authorization header with a comma, perhaps two headers joined by a proxy',
      )
    : problems.invalidToken('the Authorization header holds no single token after Bearer')
}

function severalCredentials(problems: Problems, found: string): Problem {
  return problems.invalidRequest('exactly one access token is accepted', `the request has ${found}`)
}

function hasAccessToken(query: NonNullable<GuardedRequest['query']>): boolean {
  return query instanceof URLSearchParams ? query.has('access_token') : Object.hasOwn(query, 'access_token')
}
