import type { IncomingMessage } from 'node:http'
import type { Authenticated, Client } from '../../core/clients/index.ts'
import { bodyOnlyRules, type ParameterRules, type Parameters } from '../../core/parameters.ts'
import type { Problem } from '../../core/problem.ts'
import type { Asker, Issued } from '../../core/tokens/index.ts'
import { keySetMaxAgeMs } from '../../core/tokens/index.ts'
import type { FlatHeaders } from './answer.ts'
import type { Surface } from './observe.ts'
import type { Renderer } from './problems.ts'
import { type EnvelopedRequest, envelopeOf } from './request.ts'
import type { Services } from './services.ts'

/** How a dialect looks over HTTP; a new one is a file here and a line in the list. */
export interface Face {
  /** As in `core/tokens/dialects`. */
  readonly name: string
  /** A refusal in its words: for its clients once they are known, and for everybody at its own addresses. */
  readonly problem: Renderer
  /** The addresses that it has beside `/oauth/...`. */
  addresses(server: TokenServerParts): readonly Address[]
}

/** Where an endpoint is: the words in the path that vary, or undefined for a path of somebody else. */
export interface Address {
  /** Where no word varies: looked up, not tried. */
  readonly path?: string
  match(path: string): PathWords | undefined
  readonly endpoint: Endpoint
}

export interface PathWords {
  /** Names the tenant, where `/tenants/NAME` does not. */
  readonly tenant?: string | undefined
  readonly id?: string | undefined
}

/** An endpoint of the token server: what it takes, and what it makes of it. */
export interface Endpoint {
  readonly surface: Surface
  readonly methods: readonly string[]
  readonly rules: ParameterRules
  readonly headers: FlatHeaders
  /** The dialects whose clients it serves. */
  readonly dialects: readonly string[]
  /** The form of a refusal before the client is known. */
  readonly problem: Renderer
  /** Headers that say something of the one request, on good answers and refusals alike. */
  echo?(exchange: Exchange): Readonly<Record<string, string>>
  /** What it returns is the answer; a Problem becomes the protocol's error. */
  answer(exchange: Exchange): Promise<object | Problem>
}

/** One request on its way through an endpoint. */
export interface Exchange {
  readonly endpoint: Endpoint
  readonly request: EnvelopedRequest
  /** The word of the path that varies. */
  readonly id: string | undefined
  parameters: Parameters
  /** Once it has proven itself: from then on it is spoken to in its dialect. */
  client: Client | undefined
}

/** What the endpoints of the dialects are made of. */
export interface TokenServerParts {
  readonly services: Services
  /** The client by its own credential. */
  authenticate(exchange: Exchange): Promise<Authenticated | Problem>
  /** The client by its own credential, or by a token (RFC 7662 section 2.1). */
  whoAsks(exchange: Exchange): Promise<(Asker & { readonly byToken: boolean }) | Problem>
  /** A token for a client that has proven itself. */
  handOut(exchange: Exchange, authenticated: Authenticated): Promise<object | Problem>
  /** The answer to a client that a token was issued to; it is counted, logged, and noted as the client's last use. */
  recordIssued(exchange: Exchange, to: Authenticated, issued: Issued | Problem): object | Problem
  /** RFC 7662. */
  tellIntrospection(exchange: Exchange): Promise<object | Problem>
}

export const clientChecks = [
  'request form',
  'client authentication method',
  'client credential',
  'token parameter',
] as const

/** Nothing of this may be kept by a cache (RFC 6749 section 5.1). */
const secret: FlatHeaders = ['Cache-Control', 'no-store', 'Pragma', 'no-cache']

/** Public facts: anybody may read them, from anywhere, and keep them for a while. */
const published: FlatHeaders = [
  'Cache-Control',
  `public, max-age=${keySetMaxAgeMs / 1000}`,
  'Access-Control-Allow-Origin',
  '*',
]

type Own = Pick<Endpoint, 'dialects' | 'problem' | 'answer' | 'echo'>

/** An endpoint that asks who calls. */
export const guarded = (
  name: string,
  own: Own & Partial<Pick<Endpoint, 'methods' | 'rules'>> & { readonly checks?: readonly string[] },
): Endpoint => ({
  methods: ['POST'],
  rules: bodyOnlyRules,
  ...own,
  surface: surfaceOf(name, own.checks ?? clientChecks),
  headers: secret,
})

/** An endpoint that tells everybody the same. */
export const open = (own: Own & Partial<Pick<Endpoint, 'rules'>>): Endpoint => ({
  methods: ['GET'],
  rules: bodyOnlyRules,
  ...own,
  surface: { name: 'discovery', checks: () => ['request form'] },
  headers: published,
})

/** An address without a word that varies. */
export const at = (wanted: string, endpoint: Endpoint): Address => {
  const words = {}
  return { path: wanted, match: path => (path === wanted ? words : undefined), endpoint }
}

/** A certificate is looked at where the connection has one, before any other credential would be. */
function surfaceOf(name: string, checks: readonly string[]): Surface {
  const withCertificate = checks.toSpliced(checks.indexOf('client credential'), 0, 'client certificate')
  return {
    name,
    checks: (request: IncomingMessage) => (envelopeOf(request).certificate ? withCertificate : checks),
  }
}
