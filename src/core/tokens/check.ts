import { hash } from 'node:crypto'
import { Refusal, tokenChecks } from '../../guard/access-token.ts'
import type { Addresses } from '../addresses.ts'
import { BoundedCache } from '../cache.ts'
import { type Client, type ClientDirectory, outOfUse } from '../clients/index.ts'
import type { Context } from '../context.ts'
import { plan } from '../plans.ts'
import { Problem } from '../problem.ts'
import type { Tenant } from '../tenant.ts'
import { tokenFormats } from './formats/index.ts'
import type { Keyring, Keyrings } from './keyring.ts'
import type { RevokedTokens } from './revocations.ts'
import type { AccessToken } from './token.ts'

/** A token that may be used now, by whom, and for what. */
export interface ActiveToken {
  readonly token: AccessToken
  readonly client: Client
  readonly audience: string
  /** The roles in the token that the instance still has. */
  readonly roles: ReadonlySet<string>
}

/** The checks of a token, in the order in which they run. */
export const activeTokenChecks = [
  ...tokenChecks.map(name => `token ${name}`),
  'token not revoked',
  'credential exists',
  'credential generation',
  'credential in use',
] as const

export interface TokenChecking {
  check(text: string, tenant: Tenant): Promise<ActiveToken | Problem>
}

const cachedTokens = 10_000
const longestToken = 16_384

/**
 * Checks access tokens of this server. What costs processor time (signature, seal) is remembered by the digest
 * of the token; what can change (dates, keys, revocation, credential, roles) is looked at on every use.
 */
export function createTokenChecking(deps: {
  keyrings: Keyrings
  revoked: RevokedTokens
  directory: ClientDirectory
  addresses: Addresses
  context: Pick<Context, 'now'>
}): TokenChecking {
  const { keyrings, revoked, directory, addresses, context } = deps
  const verified = new BoundedCache<AccessToken>(cachedTokens)

  function authentic(text: string, tenant: Tenant, keyring: Keyring, now: number): AccessToken | Refusal {
    const cacheKey = `${tenant.id} ${hash('sha256', text, 'base64')}`
    const known = verified.get(cacheKey)
    if (known && known.expiresAt * 1000 > now && keyring.isLive(known.keyId, now)) return known
    const format = tokenFormats.find(f => f.recognises(text))!
    const issuer = addresses.issuer(tenant)
    const token = format.verify(text, { keyring, tenantId: tenant.id, issuer, now })
    if (!(token instanceof Refusal)) verified.set(cacheKey, token)
    return token
  }

  return {
    async check(text, tenant) {
      if (text.length > longestToken)
        return refuse('token structure', `the token has ${text.length} characters`)
      const held = keyrings.of(tenant.id)
      const keyring = held instanceof Promise ? await held : held
      const now = context.now()
      const token = authentic(text, tenant, keyring, now)
      if (token instanceof Refusal) return refuse(`token ${token.check}`, token.reason)
      const subject = {
        credentialId: token.credentialId,
        ...(token.clientId && { clientId: token.clientId }),
      }

      if (!revoked.isLoaded(tenant.id)) await revoked.load(tenant.id)
      if (revoked.has(tenant.id, token.tokenId))
        return refuse('token not revoked', 'the token was revoked').with({ subject })

      const found = directory.byCredentialId(token.credentialId)
      const client = found instanceof Promise ? await found : found
      if (client?.tenantId !== tenant.id)
        return refuse('credential exists', 'the key that got this token was deleted').with({
          subject,
          hint: 'Create a new key and let the sender fetch a new token.',
        })
      if (client.generation !== token.generation)
        return refuse('credential generation', 'all tokens of this key were revoked').with({ subject })
      const unusable = outOfUse(client, now)
      if (unusable) return refuse('credential in use', unusable).with({ subject })
      return {
        token,
        client,
        audience: token.audience ?? plan(client.plan)!.audience(addresses, tenant),
        roles: new Set(token.scope.filter(role => client.roles.has(role))),
      }
    },
  }
}

function refuse(check: string, reason: string): Problem {
  return new Problem('invalid_token', 'the access token is not valid', {
    check,
    reason,
    hint: 'Let the sender fetch a new token.',
  })
}
