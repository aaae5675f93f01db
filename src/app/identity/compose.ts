import type { LookupFunction } from 'node:net'
import type { CertificateFiles, TokenClient } from '../../client/index.ts'
import type { OutboundAccess } from '../../core/calls.ts'
import type { ChosenSecrets, FailureCounter } from '../../core/clients/index.ts'
import type { Context } from '../../core/context.ts'
import type { Ending } from '../../core/expiry.ts'
import {
  auditRole,
  authenticateIdentity,
  type CertificateWay,
  certificateWay,
  createIdentityModels,
  createIdentityTokens,
  createPermissions,
  createSessions,
  examineIdentity,
  type IdentityService,
  type IdentityTokens,
  type IdentityWay,
  isMicrosoftIssuer,
  type PrincipalSource,
  passwordWay,
  serviceIdentityWay,
  subjectPattern,
  tokenWay,
} from '../../core/identity/index.ts'
import type { ChangeFeed, Transactions } from '../../core/store.ts'
import type { Tables } from '../../core/tables/index.ts'
import type { Tenant } from '../../core/tenant.ts'
import { createTrust, type RevocationChecking } from '../../core/trust/index.ts'
import type { Vault } from '../../core/vault.ts'
import type { FetchJson } from '../../guard/fetch-json.ts'
import type { IdentitySettings, MtlsPrincipal } from '../camunda/settings.ts'
import { ConfigError } from '../config.ts'
import { configuredTrust, readTrusted, readTrustStore } from './certificates.ts'
import { issuerKeys } from './issuer.ts'
import { assertionsOf, openKeystore } from './keystore.ts'
import { ownTokenClient } from './own-token.ts'

export interface IdentityParts {
  readonly tenant: Tenant
  readonly store: Transactions<Tables>
  readonly changes: ChangeFeed
  readonly vault: Vault
  readonly context: Context
  readonly chosenSecrets: ChosenSecrets
  readonly failures: FailureCounter
  readonly revocation: RevocationChecking
  readonly outbound: OutboundAccess
  readonly fetchJson: FetchJson
  readonly lookup: LookupFunction
  /** PEM of what this computer trusts. */
  readonly publicRoots: () => readonly string[]
}

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

/** Accepted are the configured audiences, and whatever the service asks tokens for itself for. */
function issuerTokens({ oidc }: IdentitySettings, { fetchJson, context }: IdentityParts): IdentityTokens {
  const { issuer, audiences: named, scopes } = oidc
  if (issuer === undefined)
    throw new ConfigError(
      'CAMUNDA_IDENTITY_ISSUER is missing: without it no token can be checked. Set it exactly as the token server states it.',
    )
  const suffix = '/.default'
  const audiences = [
    ...new Set([
      ...named,
      ...scopes.filter(scope => scope.endsWith(suffix)).map(scope => scope.slice(0, -suffix.length)),
    ]),
  ]
  if (audiences.length === 0)
    throw new ConfigError(
      'CAMUNDA_IDENTITY_AUDIENCE is missing: without it tokens for any other API would pass.',
    )
  context.log.info({ issuer, audiences }, 'tokens of this issuer are accepted for these audiences')
  return createIdentityTokens(
    {
      issuer,
      audiences,
      clockSkewMs: oidc.clockSkewMs,
      isMicrosoft:
        oidc.identityType === 'MICROSOFT' || (oidc.identityType === undefined && isMicrosoftIssuer(issuer)),
      usernameClaim: oidc.usernameClaim,
      clientIdClaim: oidc.clientIdClaim,
      groupsClaim: oidc.groupsClaim,
      preferUsernameClaim: oidc.preferUsernameClaim,
    },
    {
      keys: issuerKeys(oidc, { fetchJson, context }),
      clock: context.now,
      onRole: (who, role) => auditRole(role, `${who}, by its token`, { who }, context.log),
    },
  )
}

/** The certificates that assertions are signed with. */
interface Keystores {
  readonly assertion: CertificateFiles | undefined
  /** Of the second identity, which is another program's: looked at, so that a wrong one, or its end, is known here. */
  readonly zeebe: CertificateFiles | undefined
}

function openKeystores(
  { assertion, certAuthEnabled, zeebeAssertion }: IdentitySettings,
  { log }: Pick<Context, 'log'>,
): Keystores {
  return {
    zeebe: zeebeAssertion && openKeystore(zeebeAssertion, log),
    assertion: certAuthEnabled && assertion ? openKeystore(assertion, log) : undefined,
  }
}

function endingsOf(
  { assertion, zeebe }: Keystores,
  settings: IdentitySettings,
  { name: tenant }: Tenant,
  before: number,
): Ending[] {
  const files = [
    { files: assertion, path: settings.assertion?.keystore.path },
    { files: zeebe, path: settings.zeebeAssertion?.keystore.path },
  ]
  return files.flatMap(({ files: held, path = '' }) =>
    (held?.all() ?? [])
      .filter(({ notAfter }) => notAfter < before)
      .map(({ thumbprint, notAfter }) => ({
        of: 'identity' as const,
        id: thumbprint,
        names: { tenant, file: path },
        notAfter,
        hint: 'Upload its successor at the token server, then put it into the file: it is read at once.',
      })),
  )
}

/** The service as a client of its token server, where it has a keystore. */
function ownIdentity(
  { oidc, assertion }: IdentitySettings,
  files: CertificateFiles | undefined,
  parts: IdentityParts,
): TokenClient | undefined {
  const { tenant, outbound } = parts
  if (!files || !assertion) return undefined
  if (oidc.clientId === undefined)
    throw new ConfigError(
      'CAMUNDA_IDENTITY_CLIENT_ID is missing: an assertion has to name the client that makes it.',
    )
  return ownTokenClient(oidc, assertionsOf(oidc.clientId, files, assertion), {
    ...parts,
    connection: async () => outbound.connection(tenant.id, undefined),
  })
}

const sources: Readonly<Record<MtlsPrincipal, PrincipalSource>> = {
  cn: 'CN',
  dn: 'DN',
  dns: 'SAN_DNS',
  email: 'SAN_EMAIL',
  uri: 'SAN_URI',
}

function mtlsWay({ mtls, tls }: IdentitySettings, parts: IdentityParts): CertificateWay {
  const { tenant, store, changes, context, revocation } = parts
  const stored = tls?.trust
  const ofStore =
    stored === undefined ? [] : 'path' in stored ? readTrustStore(stored) : readTrusted(stored.certificate)
  const ders = [...ofStore, ...mtls.trustedCertificates.flatMap(readTrusted)]
  if (ders.length === 0)
    throw new ConfigError(
      'CAMUNDA_SECURITY_AUTHENTICATION_MTLS_TRUSTEDCERTIFICATES or SERVER_SSL_TRUST_STORE is missing: without them no certificate is trusted.',
    )
  const { table, pinned } = configuredTrust(mtls, ders, store.read.trust)
  // Our own authority vouches for senders of flows, not for callers of this service, unless it is named as well.
  const noAuthority = { of: (tenantId: string) => ({ tenantId, members: [] }) }
  const trust = createTrust(
    { table, authorities: noAuthority, issued: store.read.issued, revocation, context },
    changes,
  )
  return certificateWay(
    {
      pinned,
      principal: mtls.subjectDnPattern === undefined ? sources[mtls.principal] : 'DN',
      cut: mtls.subjectDnPattern === undefined ? undefined : subjectPattern(mtls.subjectDnPattern),
      defaultRoles: mtls.defaultRoles,
    },
    {
      now: context.now,
      evaluate: presented => trust.evaluate(tenant.id, presented),
      onRole: (username, role) => auditRole(role, 'certificate user', { username }, context.log),
    },
  )
}

/** The described flow needs all four: certificate authentication, its grant, a keystore, and an API that is not protected. */
function lendsItself(
  { certAuthEnabled, oidc, assertion, unprotectedApi, allowNetwork }: IdentitySettings,
  { log }: Pick<Context, 'log'>,
): boolean {
  const lends =
    certAuthEnabled && oidc.grantType === 'client_credentials' && assertion !== undefined && unprotectedApi
  if (lends)
    log.warn(
      { network: allowNetwork },
      `SECURITY: whoever calls ${allowNetwork ? 'from anywhere' : 'from this computer'} without a credential acts as this service (CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI=true with certificate authentication)`,
    )
  return lends
}

const lentIdentity = (
  { oidc, allowNetwork }: IdentitySettings,
  own: TokenClient,
  tokens: IdentityTokens,
): IdentityWay =>
  serviceIdentityWay(
    {
      scope: oidc.scopes.join(' ') || undefined,
      admits: ({ isFromHere }) => allowNetwork || isFromHere === true,
    },
    own,
    tokens,
  )

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
