import { createPublicKey, type KeyObject } from 'node:crypto'
import { type Certificate, parseCertificate } from '../certificate.ts'
import { DerError } from '../der.ts'
import { authorityKeyIdentifier } from '../extensions/authority-key-identifier.ts'
import { subjectKeyIdentifier } from '../extensions/subject-key-identifier.ts'
import { canonicalName } from '../names.ts'
import { spkiOf } from '../spki.ts'
import type { CertificateBag } from './bags.ts'
import { called, Pkcs12Error } from './error.ts'

/** A private key with its certificate. */
export interface Pkcs12Entry {
  /** The friendlyName of the key, else that of its certificate. */
  readonly alias: string | undefined
  readonly localKeyId: Buffer | undefined
  readonly privateKey: KeyObject
  /** DER: the certificate of the key first, then those above it, as far as the file has them. */
  readonly chain: readonly Buffer[]
}

export interface OpenedKey {
  readonly alias: string | undefined
  readonly localKeyId: Buffer | undefined
  readonly privateKey: KeyObject
}

interface Candidate {
  readonly bag: CertificateBag
  readonly certificate: Certificate
  readonly keyId: Buffer | undefined
  readonly issuerKeyId: Buffer | undefined
}

/** Puts certificates to their keys: by the public key, and where several have it, by the localKeyId. */
export function matchEntries(
  keys: readonly OpenedKey[],
  bags: readonly CertificateBag[],
): readonly Pkcs12Entry[] {
  const candidates = bags.map(readCandidate)
  const bySubject = Map.groupBy(candidates, ({ certificate }) => canonicalName(certificate.subject))
  return keys.map(key => {
    const spki = spkiOf(createPublicKey(key.privateKey))
    const own = candidates.filter(({ certificate }) => certificate.spki.raw.equals(spki))
    const leaf = own.find(({ bag }) => isTied(key, bag)) ?? own[0]
    if (!leaf) throw withoutCertificate(key, bags)
    const chain = chainFrom(leaf, bySubject)
    return { ...key, alias: key.alias ?? leaf.bag.alias, chain: chain.map(({ bag }) => bag.der) }
  })
}

const isTied = ({ localKeyId }: OpenedKey, bag: CertificateBag): boolean =>
  localKeyId !== undefined && bag.localKeyId?.equals(localKeyId) === true

function withoutCertificate(key: OpenedKey, bags: readonly CertificateBag[]): Pkcs12Error {
  const found = bags.some(bag => isTied(key, bag))
    ? 'the certificate that the file ties to it is of another key'
    : `the file holds ${bags.length === 0 ? 'no certificate at all' : 'certificates of other keys only'}`
  return new Pkcs12Error(
    'no-certificate',
    `${called('private key', key.alias)} has no certificate: ${found}; write the file again from a key and a certificate that belong together`,
  )
}

function readCandidate(bag: CertificateBag): Candidate {
  try {
    const certificate = parseCertificate(bag.der)
    const extension = (kind: { readonly oid: string }) =>
      certificate.extensions.find(({ oid }) => oid === kind.oid)?.value
    const [subject, authority] = [extension(subjectKeyIdentifier), extension(authorityKeyIdentifier)]
    return {
      bag,
      certificate,
      keyId: subject && subjectKeyIdentifier.parse(subject),
      issuerKeyId: authority && authorityKeyIdentifier.parse(authority).keyId,
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new Pkcs12Error(
      'damaged',
      `${called('certificate', bag.alias)} is malformed: ${error.message}; write the file again without it`,
    )
  }
}

/**
 * From certificate to issuer, as long as there is one: by its name and, where both state it, by the identifier of its
 * key. Signatures are for those to verify who trust somebody; here nobody does.
 */
function chainFrom(
  leaf: Candidate,
  bySubject: ReadonlyMap<string, readonly Candidate[]>,
): readonly Candidate[] {
  const chain = new Set<Candidate>()
  for (let next: Candidate | undefined = leaf; next && !chain.has(next); next = issuerOf(next, bySubject))
    chain.add(next)
  return [...chain]
}

function issuerOf(
  { certificate, issuerKeyId }: Candidate,
  bySubject: ReadonlyMap<string, readonly Candidate[]>,
): Candidate | undefined {
  const named = bySubject.get(canonicalName(certificate.issuer)) ?? []
  return (
    named.find(({ keyId }) => issuerKeyId && keyId?.equals(issuerKeyId)) ??
    named.find(({ keyId }) => !(issuerKeyId && keyId))
  )
}
