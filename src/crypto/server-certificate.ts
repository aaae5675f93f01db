import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { buildCertificate, parseCertificate, randomSerial } from './certificate.ts'
import { DerError } from './der.ts'
import { basicConstraints } from './extensions/basic-constraints.ts'
import { extendedKeyUsage } from './extensions/extended-key-usage.ts'
import type { GeneralName } from './extensions/general-name.ts'
import { formatIpAddress, parseIpAddress } from './extensions/ip-address.ts'
import { keyUsage } from './extensions/key-usage.ts'
import { subjectAltName } from './extensions/subject-alt-name.ts'
import { subjectKeyIdentifier } from './extensions/subject-key-identifier.ts'
import { buildName } from './names.ts'
import { OID } from './oids.ts'
import { encodePem } from './pem.ts'

/** Bytes from a cryptographic random generator. */
export type Random = (bytes: number) => Uint8Array

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export interface CertificateWithKey extends KeyPair {
  readonly der: Buffer
  /** With a final newline. */
  readonly pem: string
}

const minute = 60_000
const day = 24 * 60 * minute
const backdated = 5 * minute
const rootDays = 3652
/** The most that public clients accept is 398 days; one day less for those that count differently. */
export const longestServerCertificateDays = 397

const newKeyPair = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

/** Valid for whole days, the backdating included; both ends count (RFC 5280 section 4.1.2.5), so a second less. */
const validity = (now: number, days: number) => ({
  notBefore: now - backdated,
  notAfter: now - backdated + days * day - 1000,
})

/**
 * A self-signed root for server certificates: 10 years, may sign leaf certificates and revocation lists only.
 * `now` is in milliseconds since 1970. Without `keyPair` a new P-256 one is made.
 */
export function makeRoot(input: {
  readonly commonName: string
  readonly now: number
  readonly random: Random
  readonly keyPair?: KeyPair
}): CertificateWithKey {
  const keyPair = input.keyPair ?? newKeyPair()
  const name = buildName([{ type: 'CN', value: input.commonName }])
  const der = buildCertificate({
    serial: randomSerial(input.random),
    issuer: name,
    subject: name,
    ...validity(input.now, rootDays),
    publicKey: keyPair.publicKey,
    issuerKey: keyPair.privateKey,
    extensions: [
      basicConstraints.build({ ca: true, pathLength: 0 }),
      keyUsage.build(['keyCertSign', 'cRLSign']),
    ],
  })
  return { ...keyPair, der, pem: encodePem('CERTIFICATE', der) }
}

/**
 * A certificate for a TLS server, signed by the root. `hosts` are DNS names (also `*.example.com`) and IP addresses
 * (IPv6 with or without brackets), at least one. Valid for `days` (1 to 397) or until the root ends.
 * Throws a DerError for a host that cannot stand in a certificate, and for a root that has ended.
 */
export function issueServerCertificate(input: {
  readonly root: Pick<CertificateWithKey, 'der' | 'privateKey'>
  readonly hosts: readonly string[]
  readonly now: number
  readonly random: Random
  readonly days?: number
  readonly keyPair?: KeyPair
}): CertificateWithKey {
  const { root, now, days = longestServerCertificateDays } = input
  if (!(days >= 1 && days <= longestServerCertificateDays))
    throw new DerError(
      `a server certificate of ${days} days: 1 to ${longestServerCertificateDays} are possible`,
    )
  const issuer = parseCertificate(root.der)
  if (issuer.notAfter <= now) throw new DerError('the root has ended: make a new one')
  const names = serverNames(input.hosts)
  const commonName = names.find(({ value }) => value.length <= 64)?.value
  const issuerKeyId = issuer.extensions.find(({ oid }) => oid === OID.subjectKeyIdentifier)
  const keyPair = input.keyPair ?? newKeyPair()
  const { notBefore, notAfter } = validity(now, days)
  const der = buildCertificate({
    serial: randomSerial(input.random),
    issuer: issuer.subject.raw,
    subject: buildName(commonName === undefined ? [] : [{ type: 'CN', value: commonName }]),
    notBefore,
    notAfter: Math.min(notAfter, issuer.notAfter),
    publicKey: keyPair.publicKey,
    issuerKey: root.privateKey,
    ...(issuerKeyId && { issuerKeyId: subjectKeyIdentifier.parse(issuerKeyId.value) }),
    extensions: [
      basicConstraints.build({ ca: false }),
      keyUsage.build(['digitalSignature']),
      extendedKeyUsage.build([OID.serverAuth]),
      subjectAltName.build(names, { critical: commonName === undefined }),
    ],
  })
  return { ...keyPair, der, pem: encodePem('CERTIFICATE', der) }
}

type ServerName = Extract<GeneralName, { readonly value: string }>

function serverNames(hosts: readonly string[]): ServerName[] {
  if (hosts.length === 0) throw new DerError('a server certificate needs one host at least')
  const names = new Map<string, ServerName>()
  for (const host of hosts) {
    const address = parseIpAddress(host.replace(/^\[(.*)\]$/, '$1'))
    const value = address ? formatIpAddress(address) : host.toLowerCase()
    names.set(value, { kind: address ? 'ip' : 'dns', value })
  }
  return [...names.values()]
}
