import type { Certificate } from '../certificate.ts'
import { DerError } from '../der.ts'
import { type CertificateExtensions, parseCertificateExtensions } from '../extensions/index.ts'
import { nameEquals } from '../names.ts'
import { OID } from '../oids.ts'
import { type ConstrainedName, constrainedNames, type Subtrees, subtreesOf } from './constrained-names.ts'
import { isPolicyExtension, type PolicyExtensions, readPolicyExtensions } from './policy-extensions.ts'

/** A certificate with everything read that path validation looks at. */
export interface PathCertificate {
  readonly certificate: Certificate
  readonly selfIssued: boolean
  readonly extensions: CertificateExtensions
  readonly policy: PolicyExtensions
  /** Which extensions are critical, and those of them that we do not process. */
  readonly critical: ReadonlySet<string>
  readonly unknownCritical: readonly string[]
  /** Names that constraints bind, as an issuer's and as a leaf's. */
  readonly names: { readonly ca: readonly ConstrainedName[]; readonly leaf: readonly ConstrainedName[] }
  readonly subtrees: Subtrees | undefined
  /** Why an extension could not be read; the other members say nothing then. */
  readonly malformed?: string
}

// Reading costs more than the rest of validation but the signatures, and a trusted certificate is used for years.
const read = new WeakMap<Certificate, PathCertificate>()

/** Never throws: what cannot be read is said in `malformed`. */
export function pathCertificate(certificate: Certificate): PathCertificate {
  const known = read.get(certificate)
  if (known) return known
  const made = {
    certificate,
    selfIssued: nameEquals(certificate.subject, certificate.issuer),
    critical: new Set(certificate.extensions.filter(({ critical }) => critical).map(({ oid }) => oid)),
    ...readOrSayWhyNot(certificate),
  }
  read.set(certificate, made)
  return made
}

type Extended = Omit<PathCertificate, 'certificate' | 'selfIssued' | 'critical'>

const nothing: Extended = {
  extensions: { unknownCritical: [] },
  policy: {},
  unknownCritical: [],
  names: { ca: [], leaf: [] },
  subtrees: undefined,
}

function readOrSayWhyNot(certificate: Certificate): Extended {
  try {
    return readExtended(certificate)
  } catch (error) {
    if (error instanceof DerError) return { ...nothing, malformed: error.message }
    throw error
  }
}

function readExtended(certificate: Certificate): Extended {
  const extensions = parseCertificateExtensions(certificate.extensions)
  const { nameConstraints } = extensions
  // Where to look for more says nothing about the path: critical, it asks for what we do not do.
  const processed = (oid: string) => isPolicyExtension(oid) || !extensions.unknownCritical.includes(oid)
  return {
    extensions,
    policy: readPolicyExtensions(certificate),
    unknownCritical: certificate.extensions
      .filter(
        ({ critical, oid }) =>
          critical && (!processed(oid) || oid === OID.authorityInfoAccess || oid === OID.ocspNoCheck),
      )
      .map(({ oid }) => oid),
    names: {
      ca: constrainedNames(certificate, extensions, false),
      leaf: constrainedNames(certificate, extensions, true),
    },
    subtrees: nameConstraints && subtreesOf(nameConstraints),
  }
}
