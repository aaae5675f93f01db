import { Refusal, show, type TokenForm } from '../../guard/access-token.ts'
import { claimPath } from './claim-path.ts'
import type { Principal } from './resolve.ts'

/** How the tokens of the configured issuer name who calls. */
export interface TokenClaimsSettings {
  /** `CAMUNDA_IDENTITY_TYPE=MICROSOFT`. */
  readonly isMicrosoft: boolean
  /** Where the name of a user stands: the name of a claim, or a path. */
  readonly usernameClaim: string
  /** The same of a client; undefined: where the issuer puts it. */
  readonly clientIdClaim: string | undefined
  /** Then groups are those of the token, and stored ones do not count. */
  readonly groupsClaim: string | undefined
  /** Who has both names is a user. */
  readonly preferUsernameClaim: boolean
}

type Claims = Readonly<Record<string, unknown>>

/** Of an issuer that does not say what its tokens are (RFC 9068), as most did not in 2026. */
const types: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt'])

/** What only ID tokens have (OpenID Connect Core section 2): they are for the client, and prove nothing to an API. */
const ofIdTokens = ['nonce', 'at_hash', 'c_hash']

/** Takes the access tokens of users and applications; ID tokens are for others, whatever their audience. */
export function identityTokens({ isMicrosoft }: TokenClaimsSettings): TokenForm {
  return {
    types,
    read(claims) {
      const only = ofIdTokens.find(name => claims[name] !== undefined)
      if (only !== undefined)
        return new Refusal('claims', `the token has ${only}: it is an ID token, not an access token`)
      const wrong = isMicrosoft ? wrongForMicrosoft(claims) : undefined
      if (wrong) return wrong
      const { sub, azp, appid, client_id: client, jti, uti, scope } = claims
      return {
        ...claims,
        client_id: [client, azp, appid, sub].find(isName),
        jti: [jti, uti].find(isName) ?? 'none',
        scope: typeof scope === 'string' ? scope : undefined,
      }
    },
  }
}

function wrongForMicrosoft({ ver, azp }: Claims): Refusal | undefined {
  if (ver !== '2.0')
    return new Refusal(
      'claims',
      `ver is ${show(ver)}, not "2.0": set requestedAccessTokenVersion to 2 in the manifest of the API's application`,
    )
  return isName(azp)
    ? undefined
    : new Refusal('claims', 'azp is missing: this is no access token of Microsoft Entra')
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Who a token speaks for, or why it names nobody. */
export function principalOf(claims: Claims, settings: TokenClaimsSettings): Principal | Refusal {
  const { usernameClaim, clientIdClaim, groupsClaim } = settings
  const username = first(usernameClaim, claims)
  const clientId = clientIdClaim === undefined ? undefined : first(clientIdClaim, claims)
  const groups = groupsClaim === undefined ? undefined : claimPath(groupsClaim)?.values(claims)
  const roles = rolesIn(claims)
  // What a certificate says is said by certificates alone.
  const { certificate: _, ...own } = claims
  const more = { claims: own, ...(groups && { groups }), ...(roles.length > 0 && { roles }) }
  if (settings.isMicrosoft && isApplication(claims)) {
    const id = clientId ?? first('azp', claims) ?? first('appid', claims)
    return id === undefined ? nameless(settings) : { type: 'client', id, ...more }
  }
  const isUser = username !== undefined && (settings.preferUsernameClaim || clientId === undefined)
  if (isUser) return { type: 'user', id: username, ...more }
  return clientId === undefined ? nameless(settings) : { type: 'client', id: clientId, ...more }
}

/** By what Entra says of the token, not by which claims happen to be there: users' tokens have a client, too. */
function isApplication({ idtyp, scp, sub, oid }: Claims): boolean {
  if (idtyp !== undefined) return idtyp === 'app'
  return scp === undefined && sub === oid
}

const nameless = ({ usernameClaim, clientIdClaim }: TokenClaimsSettings) =>
  new Refusal(
    'claims',
    `Neither username claim (${usernameClaim}) nor clientId claim (${clientIdClaim ?? 'none'}) could be found in the claims`,
  )

const first = (path: string, claims: Claims): string | undefined => claimPath(path)?.values(claims)[0]

/** `ROLE_ADMIN` is the role `admin`, and so on; they count where there is such a role. */
export const roleNamed = (authority: string): string =>
  authority.startsWith('ROLE_')
    ? authority.slice('ROLE_'.length).toLowerCase().replaceAll('_', '-')
    : authority

function rolesIn({ roles, app_roles: appRoles, authorities }: Claims): string[] {
  return [roles, appRoles, authorities]
    .flatMap(value => (Array.isArray(value) ? value : []))
    .filter(isName)
    .map(roleNamed)
}
