import type { LookupFunction } from 'node:net'
import type { AuthSource } from '../../client/index.ts'
import { createTokenClient, type TokenClient, TokenError, type TokenEvent } from '../../client/index.ts'
import type { ConnectionSettings } from '../../core/calls.ts'
import type { Context } from '../../core/context.ts'
import type { FetchJson } from '../../guard/fetch-json.ts'
import type { OidcSettings } from '../camunda/settings.ts'
import { issuerMetadata } from './issuer.ts'

export interface OwnTokenDependencies {
  readonly fetchJson: FetchJson
  readonly context: Pick<Context, 'now' | 'log'>
  readonly lookup: LookupFunction
  /** PEM of what this computer trusts. */
  readonly publicRoots: () => readonly string[]
  readonly connection: () => Promise<ConnectionSettings>
}

/** The service as a client of its token server: a token for itself, kept, renewed ahead, got once for all who wait. */
export function ownTokenClient(
  oidc: OidcSettings,
  auth: AuthSource,
  deps: OwnTokenDependencies,
): TokenClient {
  let made: Promise<TokenClient> | undefined
  /** What the keystore trusted when it was made. */
  let trusting: string | undefined
  const { log, now } = deps.context

  async function make({ ca }: ConnectionSettings): Promise<TokenClient> {
    const tokenUrl = oidc.tokenUri ?? (await metadata()).tokenEndpoint.href
    log.debug({ tokenUrl }, 'Making OAuth2 token request')
    return createTokenClient({
      tokenUrl,
      issuer: oidc.issuer,
      auth,
      scope: oidc.scopes.join(' ') || undefined,
      ...(oidc.resource.length > 0 && { resource: oidc.resource }),
      tls: { ca: [...deps.publicRoots(), ...ca] },
      lookup: deps.lookup,
      clock: now,
      onEvent: event => tell(event, log),
    })
  }

  async function metadata() {
    try {
      return await issuerMetadata(oidc, deps)()
    } catch (error) {
      throw new TokenError('unavailable', (error as Error).message, { cause: error })
    }
  }

  /** A token server that could not be found is looked for again, and one that was not trusted when that changes. */
  async function client(): Promise<TokenClient> {
    const connection = await deps.connection()
    if (trusting !== connection.id) end()
    trusting = connection.id
    made ??= make(connection).catch(error => {
      made = undefined
      throw error
    })
    return made
  }

  function end(): void {
    void made?.then(one => one.close()).catch(() => {})
    made = undefined
  }

  return {
    token: async options => (await client()).token(options),
    authorizationHeader: async options => (await client()).authorizationHeader(options),
    credentials: async options => (await client()).credentials(options),
    invalidate: token => void made?.then(one => one.invalidate(token)).catch(() => {}),
    close: end,
  }
}

/** The described lines, with the words of the token server beside them. */
function tell(event: TokenEvent, log: Context['log']): void {
  if (event.type === 'fetched') log.info({ scope: event.scope }, 'Successfully obtained access token')
  if (event.type === 'credential-refused')
    log.warn(
      { credential: event.credential, next: event.next },
      'a certificate was refused; the next one is tried',
    )
  if (event.type !== 'failed') return
  const { error: failure } = event
  const { error, error_description, status, correlation_id, message } = failure
  if (error === 'invalid_client')
    log.error(
      { error, error_description, status, correlationId: correlation_id },
      'Microsoft Entra returned: invalid_client_assertion',
    )
  else
    log.error(
      { error, error_description, status, reason: message },
      'Failed to obtain access token from MS Entra',
    )
}
