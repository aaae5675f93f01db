import { type Client, longestTokenLifetime } from '../clients/index.ts'
import { day, hour } from '../context.ts'
import type { AccessToken } from './token.ts'

/** Seconds; a JWT of a registered client lives no longer, whatever its lifetime. */
const longestJwt = (12 * hour) / 1000
/** Seconds; the longest validity that a service instance can have. */
const longestOfInstances = day / 1000

/**
 * How long a new token lives, in seconds: as the client is told, and as the token itself says. The lifetime of a
 * registered client counts as it is when a token is used, so its opaque tokens leave it open.
 */
export function lifetimeOf(
  { tokenValidity, registration }: Client,
  signed: boolean,
): { readonly told: number; readonly written: number } {
  const told = registration && signed ? Math.min(tokenValidity, longestJwt) : tokenValidity
  return { told, written: registration && !signed ? longestTokenLifetime : told }
}

/** When a token ends, in seconds, by itself and by what its client is allowed now. */
export function endOf({ issuedAt, expiresAt }: AccessToken, { tokenValidity, registration }: Client): number {
  return registration ? Math.min(expiresAt, issuedAt + tokenValidity) : expiresAt
}

/** When it would end, in seconds, had its client the longest lifetime: until then its revocation is remembered. */
export function lastEndOf({ issuedAt, expiresAt }: AccessToken, { registration }: Client): number {
  return registration ? issuedAt + longestTokenLifetime : expiresAt
}

/** Seconds for which a token that a client has got may live, whatever was or will be set. */
export const longestLifeOf = ({ registration, tokenValidity }: Client): number =>
  registration ? longestTokenLifetime : Math.max(longestOfInstances, tokenValidity)
