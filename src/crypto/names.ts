import {
  DerError,
  type DerNode,
  encodeTlv,
  fieldsOf,
  ia5String,
  membersOf,
  oid,
  printableString,
  readDer,
  readOid,
  readText,
  sequence,
  setOf,
  TAG,
  utf8String,
} from './der.ts'
import { isTextTag } from './der-content.ts'
import { nameAttributeTypes } from './oids.ts'

/** One attribute to write: `type` is a short name of `nameAttributeTypes` (any case) or a dotted identifier. */
export interface NameInput {
  readonly type: string
  readonly value: string
}

export interface NameAttribute {
  readonly oid: string
  /** Short name, or the dotted identifier where there is none. */
  readonly type: string
  /** Identifier octet of the value: which string type it was written with. */
  readonly tag: number
  /** The text; absent when the value is of no string type. */
  readonly value: string | undefined
  /** The encoding of the value. */
  readonly raw: Buffer
}

/** A relative distinguished name: one attribute, seldom several. */
export type Rdn = readonly NameAttribute[]

/** A distinguished name as read: in the order of the encoding, so usually the country first. */
export interface Name {
  readonly raw: Buffer
  readonly rdns: readonly Rdn[]
}

const byOid = new Map(nameAttributeTypes.map(row => [row.oid, row]))
const byType = new Map(nameAttributeTypes.map(row => [row.type.toLowerCase(), row]))
const writers = { utf8: utf8String, printable: printableString, ia5: ia5String }

/**
 * DER of a Name (RFC 5280 section 4.1.2.4), in the order given; the text form shows it from the last to the first.
 * An inner list is one RDN of several attributes. No attribute at all is the empty name.
 * Throws a DerError for an unknown type, an empty value, or one longer than its upper bound.
 */
export function buildName(attributes: readonly (NameInput | readonly NameInput[])[]): Buffer {
  return sequence(attributes.map(rdn => setOf([rdn].flat().map(attribute))))
}

function attribute({ type, value }: NameInput): Buffer {
  const known = byType.get(type.toLowerCase()) ?? byOid.get(type)
  if (!known && !/^\d+\./.test(type)) throw new DerError(`"${type}" is no attribute of a name`)
  const length = [...value].length
  if (length === 0) throw new DerError(`${type} is empty`)
  if (known && length > known.longest)
    throw new DerError(`${type} has ${length} characters, more than the ${known.longest} allowed`)
  if (known?.type === 'C' && !/^[A-Za-z]{2}$/.test(value))
    throw new DerError(`C is "${value}", not two letters`)
  return sequence([oid(known?.oid ?? type), writers[known?.string ?? 'utf8'](value)])
}

/** Reads a Name, from DER or from inside a larger structure; throws a DerError. */
export function parseName(input: Uint8Array | DerNode): Name {
  const node = input instanceof Uint8Array ? readDer(input) : input
  if (node.identifier !== TAG.sequence) throw new DerError('name: sequence expected', node.offset)
  return { raw: node.raw, rdns: node.children().map(parseRdn) }
}

function parseRdn(node: DerNode): Rdn {
  return membersOf(node, 'RDN', TAG.set).map(member => {
    const fields = fieldsOf(member, 'name attribute')
    const id = readOid(fields.required('type'))
    const value = fields.required('value')
    fields.end()
    return {
      oid: id,
      type: byOid.get(id)?.type ?? id,
      tag: value.identifier,
      value: isTextTag(value.identifier) ? readText(value) : undefined,
      raw: value.raw,
    }
  })
}

/**
 * The string form of RFC 4514: last RDN first, no white space; what a `subjectdn` shows. Not for comparison.
 * Several attributes of one RDN may stand in any order; it is the one in which `openssl -nameopt RFC2253` shows them.
 */
export const formatName = (name: Name): string =>
  name.rdns
    .toReversed()
    .map(rdn => rdn.toReversed().map(formatAttribute).join('+'))
    .join(',')

function formatAttribute({ type, oid, value, raw }: NameAttribute): string {
  // RFC 4514 section 2.4: a type without a short name, and a value that is no string, are shown as they are encoded.
  if (type === oid || value === undefined) return `${type}=#${raw.toString('hex')}`
  return `${type}=${escapeValue(value)}`
}

/** RFC 4514 section 2.4; control characters too, so that a name cannot break a line of a log. */
function escapeValue(value: string): string {
  const hexOf = (text: string) => Buffer.from(text, 'utf8').toString('hex').replace(/../g, '\\$&')
  return value
    .replace(/["+,;<>\\]/g, '\\$&')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, hexOf)
    .replace(/(?<!^) $/, '\\ ')
    .replace(/^[ #]/, '\\$&')
}

/**
 * The same name by RFC 5280 section 7.1: RDN by RDN, attributes of an RDN in any order, values without regard to
 * string type, case and the amount of white space; a value that is of no string type by its encoding.
 */
export const nameEquals = (a: Name, b: Name): boolean =>
  a.raw.equals(b.raw) || sameList(comparableRdns(a), comparableRdns(b))

/** Is the name at or below the base: are the first RDNs of it all those of the base (RFC 5280 section 4.2.1.10)? */
export function nameIsWithin(name: Name, base: Name): boolean {
  const outer = comparableRdns(base)
  return sameList(comparableRdns(name).slice(0, outer.length), outer)
}

/** One text for all names that `nameEquals` takes for the same: to look names up by. */
export const canonicalName = (name: Name | Dn): string =>
  JSON.stringify('raw' in name ? comparableRdns(name) : name.rdns)

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((rdn, i) => rdn === b[i])

// Names live as long as their certificates, and one is compared over and over.
const comparable = new WeakMap<readonly Rdn[], readonly string[]>()

function comparableRdns({ rdns }: Name): readonly string[] {
  const known = comparable.get(rdns)
  if (known) return known
  const made = rdns.map(rdn => comparableRdn(rdn))
  comparable.set(rdns, made)
  return made
}

type Comparable = Pick<NameAttribute, 'oid' | 'value' | 'raw'>

const comparableRdn = (rdn: readonly Comparable[]): string =>
  JSON.stringify(
    rdn
      .map(({ oid, value, raw }) =>
        JSON.stringify(value === undefined ? [oid, 'der', raw.toString('hex')] : [oid, prepared(value)]),
      )
      .sort(),
  )

const unseen = /\p{Cc}|\p{Cf}|\p{Variation_Selector}|[\u034f\u1806\ufffc]/u
const everyUnseen = new RegExp(unseen, 'gu')

/**
 * String preparation (RFC 4518 section 2): white space of any kind is one space, and none at the ends; what cannot
 * be seen is nothing; NFKC; no case. Characters new since Unicode 3.2 are not prohibited: they equal themselves.
 */
function prepared(text: string): string {
  return text
    .replace(/[\t\n\v\f\r\u0085\p{Z}]/gu, ' ')
    .replace(everyUnseen, '')
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .replaceAll('ß', 'ss')
    .normalize('NFKC')
    .replace(/ +/g, ' ')
    .trim()
}

/** A distinguished name that a person wrote, ready to be compared. */
export interface Dn {
  readonly text: string
  /** In the order of the encoding, as in `Name`. */
  readonly rdns: readonly string[]
}

const longestDn = 4096
/** Type names that other products write, beside those of `nameAttributeTypes`. */
const synonyms: ReadonlyMap<string, string> = new Map([
  ['e', 'emailAddress'],
  ['email', 'emailAddress'],
  ['s', 'ST'],
  ['sp', 'ST'],
  ['t', 'title'],
  ['g', 'givenName'],
  ['gn', 'givenName'],
  ['surname', 'SN'],
  ['userid', 'UID'],
])

/**
 * Reads the string form of RFC 4514, such as `CN=sender,OU=Clients,O=Example\\, Inc.,C=DE`: the last RDN first, as
 * `formatName` writes it and administrators copy it; no other order is tried. White space around `,` `+` and `=`,
 * `;` for `,` and quoted values (RFC 2253) are understood. Throws a DerError that says where it stops being a name.
 */
export function parseDn(text: string): Dn {
  return { text, rdns: readRdns(text).map(comparableRdn) }
}

/**
 * The name that a person wrote in that form, for `buildName`: in the order of the encoding. Throws a DerError also for
 * a value that is written as its encoding.
 */
export function readDn(text: string): NameInput[][] {
  return readRdns(text).map(rdn =>
    rdn.map(({ oid, value }) => {
      if (value === undefined) throw new DerError(`"${text}": write values as text, not as #hex`)
      return { type: byOid.get(oid)?.type ?? oid, value }
    }),
  )
}

/** In the order of the encoding. */
function readRdns(text: string): Comparable[][] {
  if (text.length > longestDn)
    throw new DerError(`a name of ${text.length} characters, more than the ${longestDn} allowed`)
  const token = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) at += found[0].length
    return found
  }
  const expected = (what: string): DerError =>
    new DerError(`"${text}" is no distinguished name: ${what} expected at character ${at + 1}`)
  const rdns: Comparable[][] = []
  let at = 0
  for (let separator = ','; separator !== ''; ) {
    const type = token(/\s*((?:oid\.)?\d+(?:\.\d+)+|[a-z][a-z0-9-]*)\s*=\s*/iy)?.[1]
    if (type === undefined) throw expected('"type=value"')
    const oid = attributeOid(type)
    if (oid === undefined) throw new DerError(`"${text}": "${type}" is no attribute of a name that we know`)
    const value =
      token(/#(?<hex>(?:[0-9a-f]{2})+)\s*/iy) ??
      token(/"(?<plain>(?:[^"\\]|\\.)*)"\s*/suy) ??
      token(/(?<plain>(?:[^"+,;<>\\#\0]|\\[0-9a-f]{2}|\\[ "#+,;<=>\\]|(?<!=\s*)#)*)/iuy)
    const end = token(/[,;+]|$/y)
    if (!value || !end) throw expected('"," or the end (or a "\\" before the character)')
    const attribute = readValue(oid, value.groups ?? {})
    if (separator === '+') rdns.at(-1)!.push(attribute)
    else rdns.push([attribute])
    separator = end[0]
  }
  return rdns.toReversed()
}

function attributeOid(type: string): string | undefined {
  const name = type.toLowerCase().replace(/^oid\./, '')
  // Encoding it tells whether it is one.
  if (/^\d/.test(name)) return oid(name) && name
  return byType.get((synonyms.get(name) ?? name).toLowerCase())?.oid
}

function readValue(oid: string, { hex, plain = '' }: Record<string, string | undefined>): Comparable {
  if (hex !== undefined) {
    const node = readDer(Buffer.from(hex, 'hex'))
    return { oid, value: isTextTag(node.identifier) ? readText(node) : undefined, raw: node.raw }
  }
  const value = plain.replace(
    /((?:\\[0-9a-f]{2})+)|\\(.)/gisu,
    (_, octets: string | undefined, character: string) =>
      octets === undefined
        ? character
        : readText(readDer(encodeTlv(TAG.utf8String, Buffer.from(octets.replaceAll('\\', ''), 'hex')))),
  )
  return { oid, value, raw: Buffer.alloc(0) }
}

/**
 * Is this the certificate's name? As `nameEquals`, but a name with characters that cannot be seen is nobody's:
 * it would look like another one.
 */
export const dnMatches = (dn: Dn, name: Name): boolean =>
  sameList(dn.rdns, comparableRdns(name)) && !hidesCharacters(name)

/** Has a name characters that cannot be seen? For comparing names they are nothing. */
export const hidesCharacters = ({ rdns }: Name): boolean =>
  rdns.flat().some(({ value }) => value !== undefined && unseen.test(value))
