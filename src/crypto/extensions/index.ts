import { authorityInformationAccess } from './authority-information-access.ts'
import { authorityKeyIdentifier } from './authority-key-identifier.ts'
import { basicConstraints } from './basic-constraints.ts'
import { crlDistributionPoints } from './crl-distribution-points.ts'
import { extendedKeyUsage } from './extended-key-usage.ts'
import type { Extension } from './extension.ts'
import { keyUsage } from './key-usage.ts'
import { nameConstraints } from './name-constraints.ts'
import { ocspNoCheck } from './ocsp-no-check.ts'
import { subjectAltName } from './subject-alt-name.ts'
import { subjectKeyIdentifier } from './subject-key-identifier.ts'

/** THE LIST of extensions of certificates that we understand. A new one is a file and a line here. */
export const certificateExtensions = {
  subjectKeyIdentifier,
  authorityKeyIdentifier,
  basicConstraints,
  keyUsage,
  extendedKeyUsage,
  subjectAltName,
  crlDistributionPoints,
  authorityInformationAccess,
  nameConstraints,
  ocspNoCheck,
} as const

type Kinds = typeof certificateExtensions

/** What a certificate's extensions say; a member is absent when the certificate has no such extension. */
export type CertificateExtensions = {
  readonly [Kind in keyof Kinds]?: ReturnType<Kinds[Kind]['parse']>
} & {
  /** Identifiers of the critical extensions that are not in the list: a validator must refuse the certificate. */
  readonly unknownCritical: readonly string[]
}

const kindByOid = new Map(
  Object.entries(certificateExtensions).map(([name, kind]) => [kind.oid, { name, kind }]),
)

/** Reads every extension of THE LIST; throws a DerError when one is malformed. */
export function parseCertificateExtensions(extensions: readonly Extension[]): CertificateExtensions {
  const known = extensions.flatMap(({ oid, value }) => {
    const row = kindByOid.get(oid)
    return row ? [[row.name, row.kind.parse(value)] as const] : []
  })
  const unknownCritical = extensions.filter(({ oid, critical }) => critical && !kindByOid.has(oid))
  return { ...Object.fromEntries(known), unknownCritical: unknownCritical.map(({ oid }) => oid) }
}
