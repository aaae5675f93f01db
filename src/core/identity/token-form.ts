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

/** Is it an issuer of Microsoft Entra, in one of its clouds? Then its tokens are read as such, be it said or not. */
export const isMicrosoftIssuer = (issuer: string): boolean =>
  /^https:\/\/(login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn|chinacloudapi\.cn)|sts\.windows\.net)\//.test(
    issuer,
  )

type Claims = Readonly<Record<string, unknown>>

/** Of an issuer that does not say what its tokens are (RFC 9068), as most did not in 2026. */
const types: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt'])

/** What only ID tokens have (OpenID Connect Core section 2): they are for the client, and prove nothing to an API. */
const ofIdTokens = ['nonce', 'at_hash', 'c_hash']

/** The claims as the issuer wrote them, of what was made of them: nobody is known by a claim that was filled in. */
const written = new WeakMap<Claims, Claims>()

/** Takes the access tokens of users and applications; ID tokens are for others, whatever their audience. */
export function identityTokens({ isMicrosoft }: TokenClaimsSettings): TokenForm {
  return {
    types,
    read(claims) {
      const ofId = ofIdTokens.find(name => claims[name] !== undefined)
      if (ofId !== undefined)
        return new Refusal('claims', `the token has ${ofId}: it is an ID token, not an access token`)
      const wrong = isMicrosoft ? wrongForMicrosoft(claims) : undefined
      if (wrong) return wrong
      if (claims.events !== undefined)
        return new Refusal('claims', 'the token has events: it tells of something, and is no access token')
      const { sub, azp, appid, client_id: client, jti, uti, scope } = claims
      const read = {
        ...claims,
        client_id: [client, azp, appid, sub].find(isName),
        jti: [jti, uti].find(isName) ?? 'none',
        scope: typeof scope === 'string' ? scope : undefined,
      }
      written.set(read, claims)
      return read
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
export function principalOf(read: Claims, settings: TokenClaimsSettings): Principal | Refusal {
  // What rules say about `certificate` is about the one that was shown, whatever a token says.
  const { certificate: _, ...claims } = written.get(read) ?? read
  const { usernameClaim, clientIdClaim, groupsClaim } = settings
  const username = only(usernameClaim, claims)
  const clientId = clientIdClaim === undefined ? undefined : only(clientIdClaim, claims)
  const groups = groupsClaim === undefined ? undefined : claimPath(groupsClaim)?.values(claims)
  const roles = settings.isMicrosoft ? rolesIn(claims) : []
  const more = { claims, ...(groups && { groups }), ...(roles.length > 0 && { roles }) }
  if (settings.isMicrosoft && isApplication(claims)) {
    const id = clientId ?? only('azp', claims) ?? only('appid', claims)
    return id === undefined ? nameless(settings) : { type: 'client', id, ...more }
  }
  // A user's token of Entra names the application as well, whose permissions are not the user's.
  const isUser =
    username !== undefined && (settings.isMicrosoft || settings.preferUsernameClaim || clientId === undefined)
  if (isUser) return { type: 'user', id: username, ...more }
  return clientId === undefined || settings.isMicrosoft
    ? nameless(settings)
    : { type: 'client', id: clientId, ...more }
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

/** Of several names, or an empty one, nobody can say who is meant. */
function only(path: string, claims: Claims): string | undefined {
  const [name, ...others] = claimPath(path)?.values(claims) ?? []
  return name === '' || others.length > 0 ? undefined : name
}

/** `ROLE_ADMIN` is the role `admin`, and so on; they count where there is such a role. */
export const roleNamed = (authority: string): string =>
  authority.startsWith('ROLE_')
    ? authority.slice('ROLE_'.length).toLowerCase().replaceAll('_', '-')
    : authority

/**
 * Of Entra, where administrators of the directory alone assign them to applications and users. What other issuers call
 * roles may be up to whoever asks: there a mapping rule has to name it.
 */
function rolesIn({ roles, app_roles: appRoles, authorities }: Claims): string[] {
  return [roles, appRoles, authorities]
    .flatMap(value => (Array.isArray(value) ? value : []))
    .filter(isName)
    .map(roleNamed)
}
