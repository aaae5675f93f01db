import type { CertificateFiles, TokenClient } from '../../client/index.ts'
import type { Context } from '../../core/context.ts'
import { type IdentityTokens, type IdentityWay, serviceIdentityWay } from '../../core/identity/index.ts'
import type { IdentitySettings } from '../camunda/settings.ts'
import { ConfigError } from '../config.ts'
import { assertionsOf } from './keystore.ts'
import { ownTokenClient } from './own-token.ts'
import type { IdentityParts } from './parts.ts'

/** The service as a client of its token server, where it has a keystore. */
export function ownIdentity(
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

/** The described flow needs all four: certificate authentication, its grant, a keystore, and an API that is not protected. */
export function lendsItself(
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

/** Whoever shows nothing, as the service (docs/camunda.md, the ten steps). */
export const lentIdentity = (
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
