import {
  auditRole,
  createIdentityTokens,
  type IdentityTokens,
  isMicrosoftIssuer,
} from '../../core/identity/index.ts'
import type { IdentitySettings } from '../camunda/settings.ts'
import { ConfigError } from '../config.ts'
import { issuerKeys } from './issuer.ts'
import type { IdentityParts } from './parts.ts'

/** Accepted are the configured audiences, and whatever the service asks tokens for itself for. */
export function issuerTokens(
  { oidc }: IdentitySettings,
  { fetchJson, context }: IdentityParts,
): IdentityTokens {
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
