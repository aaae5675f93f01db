import { nearestName } from '../../core/nearest.ts'
import type { Entry } from './entries.ts'
import { nameMatcher, plainName } from './names.ts'
import type { IdentitySettings, Notice } from './settings.ts'
import { type VariableId, variables, type WithoutEffect, withoutEffect } from './variables/index.ts'

const idle = withoutEffect.map(one => ({ ...one, match: nameMatcher(one.name) }))

/** The variable without effect that a name means. */
export function withoutEffectBy(key: string): WithoutEffect | undefined {
  const plain = plainName(key)
  return idle.find(one => one.match(key, plain))
}

/** Names that are ours to judge, and how much it matters not to know one of them. */
const families: readonly [begins: RegExp, level: Notice['level']][] = [
  [/^(camunda|zeebe|initial[._-]?claim|countersign[._-]identity)[._-]/i, 'warn'],
  [/^(server|spring|logging[._-]level)[._-]/i, 'info'],
]

/** What Kubernetes sets in every container, after the names of services. */
const ofKubernetes = /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?$/

const known = [...Object.values(variables).flatMap(one => one.names), ...withoutEffect.map(one => one.name)]
  .filter(name => !name.endsWith('*'))
  .sort()

/** Variables that change nothing, and those that nobody knows, in the order in which they are set. */
export function nameNotices(entries: readonly Entry[]): Notice[] {
  return entries.flatMap((entry): Notice[] => {
    if (entry.means) return []
    const because = withoutEffectBy(entry.key)?.because
    if (because !== undefined)
      return [{ level: 'info', message: `${entry.name}: read, of no effect here, because ${because}` }]
    const level = families.find(([begins]) => begins.test(entry.key))?.[1]
    const byItself =
      entry.source === 'env' && (ofKubernetes.test(entry.key) || /^(tcp|udp):\/\//.test(entry.value))
    return level && !byItself ? [{ level, message: unknown(entry) }] : []
  })
}

function unknown({ key, name }: Entry): string {
  const spelled = key
    .replace(/[.[\]-]+/g, '_')
    .replace(/_$/, '')
    .toUpperCase()
  const number = /_(\d+)(?=_|$)/.exec(spelled)?.[1]
  const near = nearest(spelled.replace(/_\d+(?=_|$)/, '_<n>'))
  const meant = near && (number === undefined ? near : near.replace('<n>', number))
  return `${name} is not a setting of the identity service${meant ? `; did you mean ${meant}?` : ''}`
}

/** Words that known names begin with as well make no two of them alike: only what comes after is compared. */
function nearest(name: string): string | undefined {
  const longer = known.filter(one => one.startsWith(`${name}_`))
  if (longer.length === 1) return longer[0]
  const words = name.split('_')
  for (let length = words.length - 1; length > 0; length--) {
    const begin = `${words.slice(0, length).join('_')}_`
    const rests = known.filter(one => one.startsWith(begin)).map(one => one.slice(begin.length))
    if (rests.length === 0) continue
    const rest = name.slice(begin.length)
    const near = nearestName(rest, rests) ?? rests.find(one => one.endsWith(`_${rest}`))
    return near && begin + near
  }
  return nearestName(name, known)
}

/** What the settings open or lack, and the operator should know. */
export function settingNotices(
  settings: IdentitySettings,
  nameOf: (id: VariableId) => string,
  isSet: (id: VariableId) => boolean,
): Notice[] {
  const { method, oidc, mtls, tls } = settings
  const says: readonly [id: VariableId, when: boolean, what: string][] = [
    [
      'unprotectedApi',
      settings.unprotectedApi,
      'is true: callers who show nothing are let in, as anonymous and without roles',
    ],
    [
      'authorizationsEnabled',
      !settings.authorizationsEnabled,
      'is false: whoever is authenticated may do everything',
    ],
    ['csrfEnabled', !settings.csrfEnabled, 'is false: other web sites can use the sessions of browsers'],
    [
      'mtlsDefaultRoles',
      mtls.enabled && mtls.defaultRoles.includes('admin'),
      'makes every caller with a trusted certificate an administrator',
    ],
    [
      'mtlsEnabled',
      mtls.enabled && (tls?.clientAuth ?? 'none') === 'none',
      `is true, but no certificate is asked for on port ${settings.port}: set SERVER_SSL_CLIENT_AUTH to want or need`,
    ],
    [
      'mtlsEnabled',
      mtls.enabled && mtls.trustedCertificates.length === 0 && !tls?.trust,
      'is true, but no certificate is trusted: set CAMUNDA_SECURITY_AUTHENTICATION_MTLS_TRUSTEDCERTIFICATES',
    ],
    [
      'mtlsAllowSelfSigned',
      mtls.allowSelfSigned,
      'is true: of self-signed certificates those are accepted that are themselves among the trusted ones',
    ],
    [
      'method',
      method === 'oidc' && oidc.issuer === undefined,
      'is OIDC, but no token is accepted before CAMUNDA_IDENTITY_ISSUER is set',
    ],
    [
      'certAuthEnabled',
      method === 'basic' && settings.certAuthEnabled,
      'is true, but has no effect unless CAMUNDA_SECURITY_AUTHENTICATION_METHOD is OIDC',
    ],
    [
      'profiles',
      method === 'basic' && !isSet('method') && isSet('profiles') && isSet('issuer'),
      'does not choose the method: set CAMUNDA_SECURITY_AUTHENTICATION_METHOD to OIDC',
    ],
    [
      'initialClaimName',
      isSet('initialClaimName') && !isSet('initialClaimValue'),
      'makes no mapping rule before INITIAL_CLAIM_VALUE is set',
    ],
    ['issuer', hasGap(oidc.issuer), 'still holds a name in braces: write the value that it stands for'],
    ['clientId', hasGap(oidc.clientId), 'still holds a name in braces: write the value that it stands for'],
    ['scopes', oidc.scopes.some(hasGap), 'still holds a name in braces: write the value that it stands for'],
  ]
  return says
    .filter(([, when]) => when)
    .map(([id, , what]) => ({ level: 'warn', message: `${nameOf(id)} ${what}` }))
}

/** As in `{client-id}/.default` of the description. */
const hasGap = (value: string | undefined) => value !== undefined && /\{[\w-]+\}/.test(value)
