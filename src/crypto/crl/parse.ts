import { type Algorithm, parseAlgorithm } from '../algorithm-identifier.ts'
import {
  contextConstructed,
  DerError,
  type DerFields,
  type DerLimits,
  explicitContent,
  fieldsOf,
  readDer,
  readSmallInteger,
  readTime,
  TAG,
} from '../der.ts'
import { type Extension, parseExtensionList } from '../extensions/extension.ts'
import { type Name, parseName } from '../names.ts'
import { parseSigned, type SignedBytes } from '../signed.ts'
import { contentStart, encodingEnd } from './entry-order.ts'
import { type CrlEntries, noEntries, readEntries } from './entry-reader.ts'
import { type CrlExtensions, parseCrlExtensions, unknownCriticalOf } from './extensions.ts'

/** A revocation list as read (RFC 5280 section 5.1): well formed, and nothing more; nobody has verified it. */
export interface Crl extends SignedBytes, CrlExtensions {
  readonly raw: Buffer
  readonly version: 1 | 2
  readonly signatureAlgorithm: Algorithm
  readonly issuer: Name
  /** Milliseconds since 1970. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  readonly extensions: readonly Extension[]
  readonly entries: CrlEntries
  /** Critical extensions, of the list or of an entry, that forbid us to use it (RFC 5280 sections 5.2 and 5.3). */
  readonly unknownCritical: readonly string[]
}

/** The list of an authority with several hundred thousand entries. */
const longestCrl = 16 * 1024 * 1024

/**
 * Reads a revocation list, strictly: throws a DerError for anything that is not one, and for a signature algorithm
 * that differs inside and outside. `maxBytes` is 16 MiB where nothing else is said. The bytes are kept, not copied.
 */
export function parseCrl(der: Uint8Array, { maxBytes = longestCrl }: DerLimits = {}): Crl {
  const node = readDer(der, { maxBytes })
  checkRest(node.raw)
  const signed = parseSigned(node, 'CRL')
  const fields = fieldsOf(signed.tbs, 'CRL')
  const version = readVersion(fields)
  const innerAlgorithm = parseAlgorithm(fields.required('signature'))
  const issuer = parseName(fields.required('issuer'))
  const thisUpdate = readTime(fields.required('thisUpdate'))
  const nextUpdate = fields.optionalOf([TAG.utcTime, TAG.generalizedTime])
  const revoked = fields.optional(TAG.sequence)
  const extensions = readExtensions(fields, version)
  fields.end()
  if (!innerAlgorithm.raw.equals(signed.signatureAlgorithm.raw))
    throw new DerError('CRL: two different signature algorithms', signed.tbs.offset)
  const entries = revoked ? readEntries(revoked, version) : noEntries
  return {
    ...parseCrlExtensions(extensions),
    raw: node.raw,
    tbs: signed.tbs.raw,
    signatureAlgorithm: signed.signatureAlgorithm,
    signature: signed.signature,
    version,
    issuer,
    thisUpdate,
    nextUpdate: nextUpdate && readTime(nextUpdate),
    extensions,
    entries,
    unknownCritical: [...unknownCriticalOf(extensions), ...entries.unknownCritical],
  }
}

/** What is not the list of entries, in all; objects are made of it, and strangers may have written it. */
const longestRest = 64 * 1024

/** Throws when anything but the entries is long; they are the SEQUENCE behind a time. */
function checkRest(raw: Buffer): void {
  const tbs = contentStart(raw, 0)
  let rest = raw.length
  if (raw[0] === TAG.sequence && raw[tbs] === TAG.sequence) {
    const end = encodingEnd(raw, tbs)
    for (let at = contentStart(raw, tbs), before = 0; at < end; at = encodingEnd(raw, at)) {
      const isList = raw[at] === TAG.sequence && (before === TAG.utcTime || before === TAG.generalizedTime)
      if (isList) rest -= encodingEnd(raw, at) - at
      before = raw[at]!
    }
  }
  if (rest > longestRest)
    throw new DerError(`CRL: ${rest} bytes beside its entries, more than ${longestRest}`)
}

function readVersion(fields: DerFields): 1 | 2 {
  const version = fields.optional(TAG.integer)
  if (!version) return 1
  if (readSmallInteger(version, 1) !== 1)
    throw new DerError('CRL: version 1, which is said by leaving it out', version.offset)
  return 2
}

function readExtensions(fields: DerFields, version: 1 | 2): readonly Extension[] {
  const tagged = fields.optional(contextConstructed(0))
  if (!tagged) return []
  if (version === 1) throw new DerError('CRL: extensions in version 1', tagged.offset)
  return parseExtensionList(explicitContent(tagged, 'extensions'))
}
