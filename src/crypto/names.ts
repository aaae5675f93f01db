import {
  DerError,
  type DerNode,
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
