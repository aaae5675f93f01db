import type { Context } from '../../core/context.ts'
import { Refusal } from '../../guard/access-token.ts'
import { FetchError, type FetchJson } from '../../guard/fetch-json.ts'
import { type KeySource, remoteKeys } from '../../guard/jwks.ts'
import { Unavailable } from '../../guard/unavailable.ts'
import type { OidcSettings } from '../camunda/settings.ts'

/** What is used of an issuer's metadata. */
export interface IssuerMetadata {
  readonly tokenEndpoint: URL
  readonly keys: URL
}

export interface IssuerDependencies {
  readonly fetchJson: FetchJson
  readonly context: Pick<Context, 'now' | 'log'>
}

/**
 * Where an issuer has its token endpoint and its keys: as configured, else from its metadata, which is read at
 * `issuerBackendUrl` where there is one, and must name `issuer` (OpenID Connect Discovery section 4.3).
 */
export function issuerMetadata(
  { issuer, issuerBackendUrl }: Pick<OidcSettings, 'issuer' | 'issuerBackendUrl'>,
  { fetchJson }: Pick<IssuerDependencies, 'fetchJson'>,
): () => Promise<IssuerMetadata> {
  return async () => {
    const at = issuerBackendUrl ?? issuer
    if (at === undefined) throw new FetchError('no issuer is configured: set CAMUNDA_IDENTITY_ISSUER')
    const from = new URL(`${at.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const { json } = await fetchJson(from)
    if (json.issuer !== issuer)
      throw new FetchError(
        `the metadata at ${from.href} is of issuer ${JSON.stringify(json.issuer ?? null).slice(0, 300)}, not ${issuer}: set CAMUNDA_IDENTITY_ISSUER exactly as the token server states it`,
      )
    return {
      tokenEndpoint: endpoint(json.token_endpoint, 'token_endpoint', from),
      keys: endpoint(json.jwks_uri, 'jwks_uri', from),
    }
  }
}

function endpoint(value: unknown, name: string, from: URL): URL {
  if (typeof value !== 'string' || !URL.canParse(value))
    throw new FetchError(`the metadata at ${from.href} has no ${name}`)
  const url = new URL(value)
  const here = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'https:' || (url.protocol === 'http:' && here)) return url
  throw new FetchError(`the metadata at ${from.href}: ${name} is not https`)
}

/** The keys of an issuer, from all the addresses that are configured. */
export function issuerKeys(
  { issuer, issuerBackendUrl, jwkSetUri, additionalJwkSetUris }: OidcSettings,
  deps: IssuerDependencies,
): KeySource {
  const discovered = issuerMetadata({ issuer, issuerBackendUrl }, deps)
  const locations = [
    jwkSetUri === undefined ? async () => (await discovered()).keys : async () => new URL(jwkSetUri),
    ...additionalJwkSetUris.map(uri => async () => new URL(uri)),
  ]
  const { now, log } = deps.context
  return firstOf(
    locations.map(locate =>
      remoteKeys({
        locate,
        fetchJson: deps.fetchJson,
        clock: now,
        onWarning: error => log.warn({ issuer, error }, 'the keys of the issuer could not be fetched'),
      }),
    ),
  )
}

function firstOf(sources: readonly KeySource[]): KeySource {
  const [only] = sources
  if (sources.length === 1) return only!
  return {
    async find(kid, alg) {
      let last: Awaited<ReturnType<KeySource['find']>> = new Refusal('key', 'no key set is configured')
      for (const source of sources) {
        const found = await source.find(kid, alg)
        if (!(found instanceof Refusal) && !(found instanceof Unavailable)) return found
        // A set that cannot be had may be the one that has the key.
        if (!(last instanceof Unavailable)) last = found
      }
      return last
    },
  }
}
