import { ConfigError } from '../config.ts'
import type { Bound } from './bind.ts'
import type { OidcSettings } from './settings.ts'
import { boolean, duration, type Given, oneOf, text, url } from './values.ts'

/** The described words. */
const withoutSuffix = 'Invalid scope: missing .default suffix'

const maxSkewMs = 600_000

/** Issuer, tokens, and what is asked of the token server. Throws ConfigError. */
export function readOidc(bound: Bound, hasKey: boolean): OidcSettings {
  const clientId = bound.get('clientId', text)
  const identityType = bound.get(
    'identityType',
    oneOf(['MICROSOFT', 'KEYCLOAK', 'AUTH0', 'COGNITO', 'GENERIC']),
  )
  const grantType =
    bound.get('grantType', oneOf(['client_credentials', 'authorization_code'])) ?? 'authorization_code'
  const forMicrosoft = identityType === 'MICROSOFT' && grantType === 'client_credentials'
  return {
    issuer: bound.get('issuer', url),
    issuerBackendUrl: bound.get('issuerBackendUrl', url),
    clientId,
    clientSecret: bound.get('clientSecret', text),
    audiences: values(bound, 'audiences'),
    grantType,
    scopes: scopesOf(bound, forMicrosoft, clientId),
    jwkSetUri: bound.get('jwkSetUri', url),
    additionalJwkSetUris: (bound.list('additionalJwkSetUris') ?? []).map(url),
    tokenUri: bound.get('tokenUri', url),
    usernameClaim: bound.get('usernameClaim', text) ?? 'sub',
    clientIdClaim: bound.get('clientIdClaim', text),
    groupsClaim: bound.get('groupsClaim', text),
    preferUsernameClaim: bound.get('preferUsernameClaim', boolean) ?? false,
    clockSkewMs: bound.get('clockSkew', skew) ?? 60_000,
    resource: values(bound, 'resource'),
    clientAuthenticationMethod: methodOf(bound, hasKey),
    identityType,
  }
}

const values = (bound: Bound, id: 'audiences' | 'resource') => (bound.list(id) ?? []).map(text)

function scopesOf(bound: Bound, forMicrosoft: boolean, clientId: string | undefined): string[] {
  const given = (bound.list('scopes') ?? []).flatMap(({ name, value }) =>
    value.split(/\s+/).map(scope => ({ name, value: scope })),
  )
  if (!forMicrosoft) return given.map(text)
  for (const { name, value } of given)
    if (!/^.+\/\.default$/.test(value))
      throw new ConfigError(
        `${withoutSuffix}. ${name} is ${value}; write ${value.replace(/\/+$/, '')}/.default, or the id of the resource and /.default`,
        { message: withoutSuffix, fields: { variable: name, value } },
      )
  if (given.length === 0 && clientId !== undefined) return [`${clientId}/.default`]
  return given.map(text)
}

function methodOf(bound: Bound, hasKey: boolean): OidcSettings['clientAuthenticationMethod'] {
  const method = bound.get(
    'clientAuthenticationMethod',
    oneOf(['client_secret_basic', 'client_secret_post', 'private_key_jwt']),
  )
  if (method === 'private_key_jwt' && !hasKey)
    throw new ConfigError(
      `${bound.nameOf('clientAuthenticationMethod')} is private_key_jwt, which needs a key: set CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE_PATH and _PASSWORD`,
    )
  return method ?? (hasKey ? 'private_key_jwt' : 'client_secret_basic')
}

function skew(given: Given): number {
  const milliseconds = duration(given)
  if (milliseconds <= maxSkewMs) return milliseconds
  throw new ConfigError(`${given.name} must be at most PT10M, not ${given.value}`)
}
