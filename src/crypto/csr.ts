import type { KeyObject } from 'node:crypto'
import { readCsrInput } from './csr-input.ts'
import {
  contextConstructed,
  DerError,
  type DerNode,
  encodeTlv,
  fieldsOf,
  integer,
  membersOf,
  oid,
  readInteger,
  readOid,
  sequence,
  setOf,
  TAG,
} from './der.ts'
import { type Extension, parseExtensionList } from './extensions/extension.ts'
import { buildName, type Name, type NameInput, parseName } from './names.ts'
import { parseSigned, type SignedBytes, signDer, verificationOf, verifySigned } from './signed.ts'
import { importSpki, parseSpki, type Spki, spkiOf } from './spki.ts'

/** A signing request as read (PKCS#10, RFC 2986): well formed, and nothing more; `verifyCsr` verifies it. */
export interface Csr extends SignedBytes {
  readonly raw: Buffer
  readonly subject: Name
  readonly spki: Spki
  /** Whether it is strong enough is for `keyWeakness` to say. */
  readonly publicKey: KeyObject
  /** What the sender asks for; what a certificate says is for the issuer to decide. */
  readonly extensions: readonly Extension[]
}

const extensionRequest = '1.2.840.113549.1.9.14'
/** PKCS#9 (RFC 2985 section 5.4.2), and what Windows wrote before there was one. */
const extensionRequests: ReadonlySet<string> = new Set([extensionRequest, '1.3.6.1.4.1.311.2.1.14'])

/**
 * Reads the one signing request that somebody gave: PEM as it was pasted (line breaks lost, literal `\n`, CRLF,
 * URL-encoded), base64, or DER; up to 16 KiB of DER. Attributes other than requested extensions are ignored, a
 * challengePassword among them. Throws a DerError that says what is wrong and never repeats what was given.
 */
export function readCsr(input: string | Uint8Array): Csr {
  const node = readCsrInput(input)
  const signed = parseSigned(node, 'signing request')
  const fields = fieldsOf(signed.tbs, 'signing request')
  checkVersion(fields.required('version'))
  const subject = parseName(fields.required('subject'))
  const spki = parseSpki(fields.required('subjectPKInfo'))
  // RFC 2986 section 4.1 has the attributes always; old tools leave them out when there are none.
  const attributes = fields.optional(contextConstructed(0))
  fields.end()
  return {
    raw: node.raw,
    tbs: signed.tbs.raw,
    signatureAlgorithm: signed.signatureAlgorithm,
    signature: signed.signature,
    subject,
    spki,
    publicKey: publicKeyOf(spki),
    extensions: attributes ? requestedExtensions(attributes) : [],
  }
}

function checkVersion(node: DerNode): void {
  if (readInteger(node) !== 0n)
    throw new DerError('signing request: a version that does not exist', node.offset)
}

/**
 * A key that may be written in two ways could be had twice, and would be found under one of them only. One that cannot
 * be written is the point at infinity: node:crypto reads it, and takes signatures for it that need no private key.
 */
function publicKeyOf(spki: Spki): KeyObject {
  const publicKey = importSpki(spki.raw)
  if (!isWrittenAs(publicKey, spki.raw))
    throw new DerError('signing request: its public key is not written as RFC 3279 and RFC 5480 say')
  return publicKey
}

function isWrittenAs(key: KeyObject, spki: Buffer): boolean {
  try {
    return spkiOf(key).equals(spki)
  } catch {
    return false
  }
}

function requestedExtensions(attributes: DerNode): readonly Extension[] {
  const requests = attributes.children().flatMap(attribute => {
    const fields = fieldsOf(attribute, 'attribute')
    const id = readOid(fields.required('type'))
    const values = membersOf(fields.required('values'), 'attribute', TAG.set)
    fields.end()
    return extensionRequests.has(id) ? values : []
  })
  const [request, ...others] = requests
  if (others.length > 0) throw new DerError('signing request: asks for extensions twice', attributes.offset)
  return request ? parseExtensionList(request) : []
}

/**
 * What speaks against the sender holding the private key (proof of possession, RFC 2986 section 3), as half a
 * sentence; undefined when nothing does. Signatures with SHA-1 or MD5 prove nothing.
 */
export function proofProblem(csr: Csr): string | undefined {
  if (!verificationOf(csr.signatureAlgorithm))
    return `its signature algorithm (${csr.signatureAlgorithm.oid}) is not accepted, as none is with SHA-1 or MD5: sign with SHA-256`
  return verifySigned(csr, csr.publicKey) ? undefined : 'its signature was not made with its own key'
}

/** Does the sender hold the private key? Never throws. */
export const verifyCsr = (csr: Csr): boolean => proofProblem(csr) === undefined

/** What a signing request is to say. */
export interface CsrInput {
  /** As for `buildName`, or DER; may be empty. */
  readonly subject: readonly (NameInput | readonly NameInput[])[] | Uint8Array
  /** The private key: the request is for its public half. */
  readonly key: KeyObject
  /** Complete extensions to ask for, as the `build` of each kind in `extensions/` returns them. */
  readonly extensions?: readonly Buffer[]
}

/** DER of a signed request (RFC 2986); throws a DerError for what it may not say and for a key that cannot sign. */
export function buildCsr({ subject, key, extensions = [] }: CsrInput): Buffer {
  const attributes =
    extensions.length > 0 ? [sequence([oid(extensionRequest), setOf([sequence(extensions)])])] : []
  const tbs = sequence([
    integer(0),
    subject instanceof Uint8Array ? subject : buildName(subject),
    spkiOf(key),
    encodeTlv(contextConstructed(0), Buffer.concat(attributes)),
  ])
  const der = signDer(tbs, key)
  // Read once, so that nobody is given what cannot be read.
  readCsr(der)
  return der
}
