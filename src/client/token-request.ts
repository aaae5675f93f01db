import { shown } from './address.ts'
import type { AuthRequest, ClientAuth } from './auth/index.ts'
import { misconfigured, TokenError } from './errors.ts'
import type { Http, HttpReply, TlsOptions } from './http.ts'
import { kindOfBody, parseObject } from './json.ts'
import { refusal } from './refusal.ts'

export type AccessToken = {
  /** the token itself; for the Authorization header use `authorizationHeader` */
  readonly value: string
  /** the only type this library knows how to use (RFC 6750) */
  readonly type: 'Bearer'
  /** milliseconds since 1970, by the client's clock */
  readonly expiresAt: number
  /** what was granted; what was asked for where the server does not say (RFC 6749 section 5.1) */
  readonly scope?: string
  /** the server's whole answer, with members that this library does not know */
  readonly raw: Readonly<Record<string, unknown>>
}

export const grantType = 'client_credentials'
export const formType = 'application/x-www-form-urlencoded'

/** What is the same in every request of one token client, but for the credential. */
export type TokenRequest = {
  http: Http
  tokenUrl: URL
  /** where a request goes that shows a certificate; default: `tokenUrl` */
  mtlsTokenUrl?: URL | undefined
  issuer?: string | undefined
  auth: ClientAuth
  tls: TlsOptions
  resource?: string | readonly string[] | undefined
  audience?: string | readonly string[] | undefined
  parameters?: Readonly<Record<string, string>> | undefined
  headers?: Readonly<Record<string, string>> | undefined
  grantTypeIn: 'body' | 'url'
  contentType: string
  /** seconds; used where an answer has no expires_in */
  defaultExpiresIn?: number | undefined
  clock: () => number
  newId: () => string
}

/** `tls`: what the connection was made with on which the token was got; a bound token is tied to its certificate. */
export type Issued = { token: AccessToken; issuedAt: number; tls: TlsOptions }

/**
 * One try at the client credentials grant (RFC 6749 section 4.4). The token's life is counted from before the
 * request, so that a slow answer makes it shorter, never longer. Throws TokenError only.
 */
export async function requestToken(
  request: TokenRequest,
  scope: string | undefined,
  signal?: AbortSignal,
): Promise<Issued> {
  const { http, tokenUrl, clock } = request
  const issuedAt = clock()
  const hidden: string[] = []
  const draft: AuthRequest = {
    tokenUrl: new URL(tokenUrl),
    issuer: request.issuer,
    body: form(request, scope),
    headers: { ...request.headers },
    tls: { ...request.tls },
    now: issuedAt,
    newId: request.newId,
    hide: value => hidden.push(value),
  }
  await authenticate(request.auth, draft)
  const { tls } = draft
  const url = showsCertificate(tls) ? (request.mtlsTokenUrl ?? tokenUrl) : tokenUrl
  const { contentType } = request
  const headers = { ...draft.headers, 'content-type': contentType }
  const reply = await http.post(url, written(draft.body, contentType), headers, { signal, tls })
  const body = parseObject(reply.body)
  if (typeof body?.access_token === 'string') hidden.push(body.access_token)
  const success = reply.status >= 200 && reply.status <= 299
  if (!success || typeof body?.error === 'string') throw refusal(url, reply, hidden, clock())
  return { token: readToken({ ...request, tokenUrl: url }, reply, body, issuedAt, scope), issuedAt, tls }
}

const showsCertificate = ({ cert, pfx }: TlsOptions): boolean => cert !== undefined || pfx !== undefined

async function authenticate(auth: ClientAuth, draft: AuthRequest): Promise<void> {
  try {
    await auth(draft)
  } catch (error) {
    if (error instanceof TokenError) throw error
    throw misconfigured('The auth method failed before anything was sent; its own error is the cause.', error)
  }
}

function form(request: TokenRequest, scope: string | undefined): URLSearchParams {
  const body = new URLSearchParams(request.grantTypeIn === 'body' ? { grant_type: grantType } : {})
  if (scope !== undefined && scope !== '') body.set('scope', scope)
  for (const name of ['resource', 'audience'] as const) {
    for (const value of [request[name] ?? []].flat()) body.append(name, value)
  }
  for (const [name, value] of Object.entries(request.parameters ?? {})) body.set(name, value)
  return body
}

/** A parameter that is there several times becomes a list in JSON. */
function written(body: URLSearchParams, contentType: string): string {
  if (!/\bjson\b/i.test(contentType)) return body.toString()
  const names = [...new Set(body.keys())]
  return JSON.stringify(
    Object.fromEntries(
      names.map(name => {
        const [first, ...more] = body.getAll(name)
        return [name, more.length === 0 ? first : [first, ...more]]
      }),
    ),
  )
}

function readToken(
  request: TokenRequest,
  reply: HttpReply,
  body: Record<string, unknown> | undefined,
  issuedAt: number,
  asked: string | undefined,
): AccessToken {
  const unusable = (what: string) =>
    new TokenError('invalid_response', `${shown(request.tokenUrl)} ${what}`, { status: reply.status })
  if (body === undefined) {
    throw unusable(
      `answered ${kindOfBody(reply)} instead of JSON. Check the token URL: it is no token endpoint.`,
    )
  }
  const { access_token: value, token_type: type } = body
  // Visible ASCII only: anything else could break out of the Authorization header.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw unusable(
      'answered without a usable access_token. Check the token URL: it may be another kind of service.',
    )
  }
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    throw unusable('gave a token that is not of type Bearer, which is the only one that can be used here.')
  }
  const seconds = lifetime(body.expires_in ?? request.defaultExpiresIn)
  if (seconds === undefined) {
    throw unusable(
      'gave a token without a usable expires_in. Ask its operator how long tokens live, and set ' +
        'defaultExpiresIn (seconds).',
    )
  }
  const scope = typeof body.scope === 'string' ? body.scope : asked
  return Object.freeze({
    value,
    type: 'Bearer',
    expiresAt: issuedAt + seconds * 1000,
    ...(scope === undefined ? {} : { scope }),
    raw: Object.freeze(body),
  })
}

/** Seconds of life; some servers send them as text. Longer than 68 years is as good as that. */
function lifetime(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds > 0)) return undefined
  return Math.min(seconds, 2 ** 31 - 1)
}
