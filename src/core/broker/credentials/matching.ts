import { z } from 'zod'
import { parseCertificate } from '../../../crypto/certificate.ts'
import { DerError } from '../../../crypto/der.ts'
import { formatIpAddress, parseIpAddress } from '../../../crypto/extensions/ip-address.ts'
import { isDnsName } from '../../../crypto/extensions/subject-alt-name.ts'
import { canonicalName, formatName, parseDn } from '../../../crypto/names.ts'
import { PemError, readCertificateInput } from '../../../crypto/pem.ts'
import { canonicalSan, type MatchKind, matchDigest } from '../../clients/index.ts'
import { Problem } from '../../problem.ts'

/** The parameters of RFC 8705 section 2.1.2, each with the form that its value must have, for the digest. */
const names: Readonly<Record<string, { kind: MatchKind; canonical: (value: string) => string | undefined }>> =
  {
    tls_client_auth_subject_dn: { kind: 'subject_dn', canonical: value => canonicalName(parseDn(value)) },
    tls_client_auth_san_dns: {
      kind: 'san_dns',
      canonical: value => (isDnsName(value) ? canonicalSan('dns', value) : undefined),
    },
    tls_client_auth_san_uri: {
      kind: 'san_uri',
      canonical: value => (/^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(value) ? value : undefined),
    },
    tls_client_auth_san_ip: {
      kind: 'san_ip',
      canonical: value => {
        const address = parseIpAddress(value)
        return address && formatIpAddress(address)
      },
    },
    tls_client_auth_san_email: {
      kind: 'san_email',
      canonical: value => (/^[^@\s]+@[^@\s]+$/.test(value) ? canonicalSan('email', value) : undefined),
    },
  }

const text = z.string().max(4096).optional()

export const namesSchema = {
  tls_client_auth_subject_dn: text,
  tls_client_auth_san_dns: text,
  tls_client_auth_san_uri: text,
  tls_client_auth_san_ip: text,
  tls_client_auth_san_email: text,
  /** The authority that must be in the path: PEM of its certificate. Bound by its key, not by its name. */
  issuer: z.string().optional(),
}

type Given = Readonly<Record<string, unknown>>

/** The parameters among those given that name what a certificate must have. */
export const matchingNames = (given: Given): string[] =>
  Object.keys(names).filter(name => given[name] !== undefined)

/** What a key accepts instead of one certificate: a name in it, of one authority. */
export interface Matching {
  readonly digest: string
  readonly kind: MatchKind
  readonly document: Readonly<Record<string, unknown>>
  readonly warnings: readonly string[]
}

export function readMatch(given: Given): Matching | Problem {
  const refuse = (reason: string) => new Problem('invalid_input', reason)
  const [name, ...others] = matchingNames(given)
  if (name === undefined || others.length > 0)
    return refuse(`give exactly one of ${Object.keys(names).join(', ')} (RFC 8705 section 2.1.2)`)
  if (typeof given.issuer !== 'string')
    return refuse(`${name} needs issuer: the certificate of the authority that must vouch for it`)
  try {
    const [der, more] = readCertificateInput(given.issuer)
    if (more) return refuse('issuer: give one certificate')
    const issuer = parseCertificate(der!)
    const { kind, canonical } = names[name]!
    const value = String(given[name])
    const wanted = canonical(value)
    if (wanted === undefined) return refuse(`${name}: ${JSON.stringify(value)} is not such a name`)
    return {
      kind,
      digest: matchDigest(kind, wanted, issuer.spki.raw),
      document: { [name]: value, issuerdn: formatName(issuer.subject) },
      warnings:
        kind === 'subject_dn'
          ? [
              'the subject of a certificate is compared, not the certificate: whoever the authority gives that name to is let in; a certificate or a subjectAltName is safer',
            ]
          : [],
    }
  } catch (error) {
    if (error instanceof PemError || error instanceof DerError) return refuse(`${name}: ${error.message}`)
    throw error
  }
}
