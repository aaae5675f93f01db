import { hash } from 'node:crypto'
import { type AccessTokenClaims, Refusal } from '../../../guard/access-token.ts'
import { checkBinding } from '../../../guard/binding.ts'
import type { KeySource } from '../../../guard/jwks.ts'
import { Unavailable } from '../../../guard/unavailable.ts'
import { createVerify } from '../../../guard/verify.ts'
import { isProblem, Problem } from '../../problem.ts'
import type { Principal } from '../resolve.ts'
import { identityTokens, principalOf, type TokenClaimsSettings } from '../token-form.ts'
import type { IdentityWay, Proven } from '../way.ts'

export interface TokenSettings extends TokenClaimsSettings {
  /** Exactly as the token server states it. */
  readonly issuer: string
  /** Any of these. */
  readonly audiences: readonly string[]
  readonly clockSkewMs: number
}

export interface TokenDependencies {
  readonly keys: KeySource
  readonly clock: () => number
  /** Told of the roles that a token comes with, once for each token. */
  readonly onRole?: (who: string, role: string) => void
}

/** Verifies tokens of the configured issuer. */
export interface IdentityTokens {
  /** Who the token speaks for; `thumbprint`: of the certificate that the peer has proven to hold. */
  verify(token: string, thumbprint: string | undefined): Promise<Proven | Problem>
  /** The same in a dry run: nobody is told of its roles. */
  examine(token: string, thumbprint: string | undefined): Promise<Proven | Problem>
}

const rememberedTokens = 10_000

export function createIdentityTokens(
  settings: TokenSettings,
  { keys, clock, onRole }: TokenDependencies,
): IdentityTokens {
  const { issuer, audiences, clockSkewMs } = settings
  const verify = createVerify({
    keys,
    clock,
    issuer,
    audience: audiences,
    clockSkewMs,
    form: identityTokens(settings),
    maxCachedTokens: rememberedTokens,
  })
  // What is remembered of a token is one object: so is what is made of it.
  const made = new WeakMap<object, Proven | Refusal>()

  function tellRoles({ principal: { type, id, roles = [] } }: Proven): void {
    for (const role of roles) onRole?.(`${type} ${id}`, role)
  }

  /** What a token says that was found good. */
  async function claimsOf(
    token: string,
    thumbprint: string | undefined,
  ): Promise<AccessTokenClaims | Problem> {
    const claims = await verify(token, hash('sha256', token, 'base64'))
    if (claims instanceof Unavailable)
      return new Problem('unavailable', 'tokens cannot be checked at the moment', {
        reason: claims.reason,
        check: 'token key',
        ...(claims.retryAfterSeconds && { retryAfter: claims.retryAfterSeconds }),
      })
    if (claims instanceof Refusal) return refused(claims.check, claims.reason, settings)
    const unbound = checkBinding(claims.cnf, thumbprint)
    return unbound === undefined ? claims : refused('binding', unbound, settings)
  }

  const named = (proven: Proven | Refusal): Proven | Problem =>
    proven instanceof Refusal ? refused('principal', proven.reason, settings) : proven

  return {
    async verify(token, thumbprint) {
      const claims = await claimsOf(token, thumbprint)
      if (isProblem(claims)) return claims
      const known = made.get(claims)
      const proven = known ?? provenBy(claims, principalOf(claims, settings))
      made.set(claims, proven)
      if (!known && !(proven instanceof Refusal)) tellRoles(proven)
      return named(proven)
    },
    async examine(token, thumbprint) {
      const claims = await claimsOf(token, thumbprint)
      return isProblem(claims) ? claims : named(provenBy(claims, principalOf(claims, settings)))
    },
  }
}

/** Access tokens (RFC 6750), in the header alone: an address ends up in logs. */
export function tokenWay(tokens: IdentityTokens): IdentityWay {
  return {
    name: 'Bearer',
    claims: ({ authorization }) => authorization !== undefined && /^Bearer( |$)/i.test(authorization),
    prove({ authorization, certificate }) {
      const token = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization!)?.[1]
      if (token === undefined)
        return new Problem('invalid_token', 'the access token is not valid', {
          reason: 'the Authorization header holds no token after Bearer',
          check: 'token structure',
        })
      return tokens.verify(token, certificate?.thumbprint)
    },
  }
}

function provenBy(
  claims: Readonly<Record<string, unknown>> & { exp: number },
  principal: Principal | Refusal,
): Proven | Refusal {
  if (principal instanceof Refusal) return principal
  const { name, email } = claims
  return {
    by: 'token',
    principal,
    displayName: typeof name === 'string' ? name : undefined,
    email: typeof email === 'string' ? email : undefined,
    until: claims.exp * 1000,
  }
}

const refused = (check: string, reason: string, { issuer, audiences }: TokenSettings): Problem =>
  new Problem('invalid_token', 'the access token is not valid', {
    reason: `${check}: ${reason}`,
    check: `token ${check}`,
    hint: `Accepted are tokens of ${issuer} for ${audiences.join(' or ')}. \`countersign explain --identity --token-file\` shows what becomes of one.`,
  })
