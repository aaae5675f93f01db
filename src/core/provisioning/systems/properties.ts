import { nearestName } from '../../nearest.ts'
import { Problem } from '../../problem.ts'
import { printable } from '../../schema.ts'
import type { StoredSystem, SystemRole } from '../store.ts'
import { headerPrefix, jobProperties } from '../types/common.ts'
import type { PropertySpec } from '../types/property.ts'
import type { SystemType } from '../types/type.ts'

/** Properties as they are asked for: text sets one, null takes it away. */
export type PropertyChanges = Readonly<Record<string, string | null>>

export interface SystemProperties {
  readonly standard: Readonly<Record<string, string>>
  /** Sealed, and never shown. */
  readonly credentials: Readonly<Record<string, string>>
}

/** Of a type, for systems of a role. */
export const specsOf = (type: SystemType, role: SystemRole): readonly PropertySpec[] =>
  [...type.properties, ...jobProperties].filter(({ roles }) => !roles || roles.includes(role))

/** Names that a custom property has when what it holds is nobody's business. */
const soundsSecret = /(password|passwd|passphrase|secret|api.?key|token|access.?key|private.?key|credential)/i

/** Is a property sealed, and never shown? */
export const isCredential = (name: string, type: SystemType): boolean =>
  name.startsWith(headerPrefix) ||
  (type.properties.find(spec => spec.name === name)?.credential ??
    (soundsSecret.test(name) && ![...type.properties, ...jobProperties].some(spec => spec.name === name)))

/** Where the system and its token server are. */
const addresses = ['URL', 'OAuth2TokenServiceURL'] as const

const mostProperties = 200
const longestValue = 4000
const nameForm = /^[A-Za-z][A-Za-z0-9._-]{0,149}$/

/** What the properties are after a change, or everything that is wrong with it. */
export function changedProperties(
  { name, role }: Pick<StoredSystem, 'name' | 'role'>,
  type: SystemType,
  before: SystemProperties,
  changes: PropertyChanges,
): SystemProperties | Problem {
  const specs = specsOf(type, role)
  const wrong = Object.entries(changes).flatMap(([property, value]) => {
    const says = value === null ? undefined : wrongProperty(property, value, specs, { role, type })
    return says === undefined ? [] : [`${printable(property)}: ${says}`]
  })
  if (wrong.length > 0)
    return new Problem('invalid_input', wrong.slice(0, 20).join('; '), {
      hint: `See the properties of type ${type.name} in docs/provisioning.md. Names and values are case-sensitive.`,
    })
  const asked = askedAgain(before, changes)
  if (asked.length > 0)
    return new Problem('invalid_input', `the address changes, so give ${asked.join(' and ')} again`, {
      hint: `Whoever answers at the new address is shown them. Set them in the same call, or take them away: countersign provisioning system set ${name} URL=... ${asked[0]}=@FILE`,
    })
  const standard: Record<string, string> = { ...before.standard }
  const credentials: Record<string, string> = { ...before.credentials }
  for (const [property, value] of Object.entries(changes)) {
    const place = isCredential(property, type) ? credentials : standard
    if (value === null) delete place[property]
    else place[property] = value
  }
  if (Object.keys(standard).length + Object.keys(credentials).length > mostProperties)
    return new Problem('limit_reached', `a system has at most ${mostProperties} properties`)
  return { standard, credentials }
}

function wrongProperty(
  name: string,
  value: string,
  specs: readonly PropertySpec[],
  { role, type }: { role: SystemRole; type: SystemType },
): string | undefined {
  if (value === '') return 'write a value, or take the property away'
  if (value.length > longestValue) return `a value has at most ${longestValue} characters`
  // A key may have lines; nothing else that is printed may.
  if (/\p{Cc}/u.test(value.replace(/[\r\n\t]/g, ''))) return 'a value has no control characters'
  if (name.startsWith(headerPrefix)) return wrongHeader(name.slice(headerPrefix.length), value)
  const spec = specs.find(one => one.name === name)
  if (spec) {
    if (spec.values && !spec.values.includes(value)) return `write one of ${spec.values.join(', ')}`
    return spec.wrong?.(value)
  }
  if (!nameForm.test(name)) return 'a name has up to 150 letters, digits and . _ -'
  const elsewhere = [...type.properties, ...jobProperties].find(one => one.name === name)
  if (elsewhere) return `is of no effect in a ${role}: it belongs into a ${elsewhere.roles?.join(' or ')}`
  const spelt = specs.find(one => one.name.toLowerCase() === name.toLowerCase())
  if (spelt) return `is spelt ${spelt.name}: names are case-sensitive`
  if (!/^(ips|scim|file)\./.test(name)) return undefined
  const near = nearestName(
    name,
    specs.map(one => one.name),
  )
  return `there is no such property${near ? `, did you mean ${near}?` : ''}`
}

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const headerValue = /^[\x20-\x7e\x80-\xff]*$/
/** What the call itself decides. */
const reservedHeaders: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'expect',
  'content-type',
])

function wrongHeader(name: string, value: string): string | undefined {
  if (!headerName.test(name)) return 'a header has a name'
  if (reservedHeaders.has(name.toLowerCase())) return 'the call itself sets this header'
  return headerValue.test(value) ? undefined : 'the value of a header is one line of Latin letters'
}

/** The credentials that are there and that a change of address leaves as they are. */
function askedAgain(before: SystemProperties, changes: PropertyChanges): string[] {
  const moved = addresses.some(name => {
    const value = changes[name]
    // An address that was not there yet is one that has not been shown them.
    return value !== undefined && value !== (before.standard[name] ?? null)
  })
  return moved ? Object.keys(before.credentials).filter(name => changes[name] === undefined) : []
}
