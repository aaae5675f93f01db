import {
  contextConstructed,
  contextPrimitive,
  DerError,
  type DerNode,
  explicit,
  explicitContent,
  ia5String,
  implicit,
  membersOf,
  octetString,
  readText,
  sequence,
  TAG,
} from '../der.ts'
import { type Name, parseName } from '../names.ts'
import { formatIpAddress, parseIpAddress } from './ip-address.ts'

/** A GeneralName (RFC 5280 section 4.2.1.6). */
export type GeneralName =
  | { readonly kind: 'dns' | 'email' | 'uri'; readonly value: string }
  /** Canonical text of an address; in name constraints `address/prefix`. */
  | { readonly kind: 'ip'; readonly value: string }
  | { readonly kind: 'dn'; readonly name: Pick<Name, 'raw'> }
  /** A form that we do not look into (otherName, x400Address, ediPartyName, registeredID), with its tag number. */
  | { readonly kind: 'other'; readonly number: number; readonly raw: Buffer }

const tagNumbers = { email: 1, dns: 2, dn: 4, uri: 6, ip: 7 } as const
const textKinds: ReadonlyMap<number, 'email' | 'dns' | 'uri'> = new Map([
  [contextPrimitive(tagNumbers.email), 'email'],
  [contextPrimitive(tagNumbers.dns), 'dns'],
  [contextPrimitive(tagNumbers.uri), 'uri'],
])
const formOfOthers: ReadonlySet<number> = new Set([
  contextConstructed(0),
  contextConstructed(3),
  contextConstructed(5),
  contextPrimitive(8),
])

/** How an address is written: one host, or (in name constraints) a range of them. */
export interface IpForm {
  encode(text: string): Buffer
  decode(octets: Buffer, at: number): string
}

export const singleAddress: IpForm = {
  encode(text) {
    const octets = parseIpAddress(text)
    if (!octets) throw new DerError(`"${text}" is no IP address`)
    return octets
  },
  decode(octets, at) {
    if (octets.length !== 4 && octets.length !== 16)
      throw new DerError(`IP address of ${octets.length} octets`, at)
    return formatIpAddress(octets)
  },
}

/** Writes text as it is given: what a name of this kind may look like is checked by the extension that holds it. */
export function encodeGeneralName(name: GeneralName, ip: IpForm = singleAddress): Buffer {
  switch (name.kind) {
    case 'dn':
      return explicit(tagNumbers.dn, name.name.raw)
    case 'ip':
      return implicit(tagNumbers.ip, octetString(ip.encode(name.value)))
    case 'other':
      return name.raw
    default:
      return implicit(tagNumbers[name.kind], ia5String(checkedText(name.value)))
  }
}

/** Throws a DerError for a malformed name, and for control characters in one: "good.example\0.evil.example". */
export function decodeGeneralName(node: DerNode, ip: IpForm = singleAddress): GeneralName {
  const { identifier, offset } = node
  const kind = textKinds.get(identifier)
  if (kind) return { kind, value: checkedText(readText(node, TAG.ia5String), offset) }
  if (identifier === contextPrimitive(tagNumbers.ip))
    return { kind: 'ip', value: ip.decode(node.content, offset) }
  if (identifier === contextConstructed(tagNumbers.dn))
    return { kind: 'dn', name: parseName(explicitContent(node, 'directoryName')) }
  if (formOfOthers.has(identifier)) return { kind: 'other', number: node.number, raw: node.raw }
  throw new DerError('no GeneralName has this tag', offset)
}

function checkedText(text: string, offset?: number): string {
  if (/\p{Cc}/u.test(text)) throw new DerError('control character in a name', offset)
  return text
}

/** GeneralNames, of which there must be one at least. */
export function encodeGeneralNames(names: readonly GeneralName[]): Buffer {
  if (names.length === 0) throw new DerError('no name in a list of general names')
  return sequence(names.map(name => encodeGeneralName(name)))
}

export const decodeGeneralNames = (
  node: DerNode,
  what: string,
  identifier: number = TAG.sequence,
): readonly GeneralName[] => membersOf(node, what, identifier).map(member => decodeGeneralName(member))
