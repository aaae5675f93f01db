import type { Context } from '../../core/context.ts'
import {
  authenticateIdentity,
  createIdentityModels,
  createPermissions,
  createSessions,
  examineIdentity,
  type IdentityService,
  type IdentityTokens,
  type IdentityWay,
  passwordWay,
  tokenWay,
} from '../../core/identity/index.ts'
import type { IdentitySettings } from '../camunda/settings.ts'
import { endingsOf, openKeystores } from './keystore.ts'
import { mtlsWay } from './mtls.ts'
import { lendsItself, lentIdentity, ownIdentity } from './own-identity.ts'
import type { IdentityParts } from './parts.ts'
import { issuerTokens } from './tokens.ts'

/** The identity service, put together as the described variables say. */
export interface ComposedIdentity extends IdentityService {
  readonly settings: IdentitySettings
  /** undefined: no issuer is configured. */
  readonly tokens: IdentityTokens | undefined
  close(): void
}

/** Of the API of Camunda that it speaks. */
const version = '8.8.0'

/** Throws ConfigError for settings that cannot work. */
export function composeIdentity(settings: IdentitySettings, parts: IdentityParts): ComposedIdentity {
  const { tenant, store, changes, vault, context } = parts
  const models = createIdentityModels(store.read.identity, changes)
  const sessions = createSessions(
    {
      maxInactiveMs: settings.sessionMaxInactiveMs,
      begunBy: [settings.method === 'oidc' ? 'token' : 'password'],
    },
    { tenant, store, vault, context, models, changes },
  )
  const tokens = settings.method === 'oidc' ? issuerTokens(settings, parts) : undefined
  const keystores = openKeystores(settings, context)
  const own = ownIdentity(settings, keystores.assertion, parts)
  const certificates = settings.mtls.enabled ? mtlsWay(settings, parts) : undefined
  const ways: IdentityWay[] = [
    ...(tokens ? [tokenWay(tokens)] : []),
    ...(settings.method === 'basic' ? [passwordWay({ ...parts, models })] : []),
    sessions.way,
    ...(certificates ? [certificates] : []),
    ...(tokens && own && lendsItself(settings, context) ? [lentIdentity(settings, own, tokens)] : []),
  ]
  warnOfOpenDoors(settings, context)
  const authentication = { models, ways, unprotectedApi: settings.unprotectedApi, hint: hintFor(settings) }
  return {
    settings,
    tenant,
    models,
    permissions: createPermissions(settings.authorizationsEnabled),
    csrfEnabled: settings.csrfEnabled,
    takesPasswords: settings.method === 'basic',
    isOnItsPortAlone: settings.tls?.clientAuth === 'need',
    version,
    sessions,
    tokens,
    authenticate: request => authenticateIdentity(tenant, request, authentication),
    explain: (tried, asked) =>
      examineIdentity(tenant, tried, asked, { ...settings, models, tokens, certificates }),
    endings: before => endingsOf(keystores, settings, tenant, before),
    close: () => own?.close(),
  }
}

/** Each by itself is told of where the settings are read; together they are more than two. */
function warnOfOpenDoors(
  { unprotectedApi, authorizationsEnabled }: IdentitySettings,
  { log }: Pick<Context, 'log'>,
): void {
  if (unprotectedApi && !authorizationsEnabled)
    log.warn(
      {},
      'SECURITY: the identity API is open to everybody who can reach it: UNPROTECTEDAPI=true lets callers in without a credential, and AUTHORIZATIONS_ENABLED=false lets them do everything',
    )
}

function hintFor({ method, mtls, oidc }: IdentitySettings): string {
  const ways = [
    method === 'oidc'
      ? `an access token of ${oidc.issuer} in the header Authorization: Bearer ...`
      : 'user and password in the header Authorization: Basic ...',
    ...(mtls.enabled ? ['a client certificate of a trusted authority'] : []),
    'a session (cookie camunda-session)',
  ]
  return `Show who you are: ${ways.join(', or ')}.`
}
