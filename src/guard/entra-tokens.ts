import { Refusal, show, type TokenForm } from './access-token.ts'

/** The claim that names the client, by the version of the token. */
const clientClaims = new Map<unknown, string>([
  ['1.0', 'appid'],
  ['2.0', 'azp'],
])

/**
 * Access tokens of Microsoft Entra for applications, of either version. Their `typ` is that of ID tokens too: `idtyp`
 * and the claim of the client tell them apart, and keep tokens out that speak for a person.
 */
export const entraTokens: TokenForm = {
  types: new Set(['jwt']),
  read(claims) {
    const { ver, idtyp, roles } = claims
    if (idtyp !== 'app')
      return new Refusal('claims', `idtyp is ${show(idtyp)}, not "app": this is no token of an application`)
    const client = clientClaims.get(ver)
    if (client === undefined) return new Refusal('claims', `ver is ${show(ver)}, not "1.0" or "2.0"`)
    for (const name of [client, 'uti'])
      if (typeof claims[name] !== 'string' || claims[name] === '')
        return new Refusal('claims', `${name} is missing`)
    if (roles !== undefined && !isRoles(roles)) return new Refusal('claims', 'roles is not a list of words')
    return { ...claims, client_id: claims[client], jti: claims.uti, scope: (roles ?? []).join(' ') }
  },
}

/** Words, so that no role becomes two where they stand in one text. */
function isRoles(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(role => typeof role === 'string' && /^[!-~]+$/.test(role))
}
