import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { DerError } from '../../crypto/der.ts'
import { parseCertificateExtensions } from '../../crypto/extensions/index.ts'
import { formatName, nameEquals } from '../../crypto/names.ts'
import { anchorOf, searchLimits, validatePath } from '../../crypto/path/index.ts'
import { certificateFingerprint } from '../../crypto/thumbprint.ts'
import { day } from '../context.ts'

/** A certificate of a server's chain as people see it. */
export interface ChainCertificate {
  readonly role: 'leaf' | 'intermediate' | 'root'
  readonly subject: string
  readonly issuer: string
  /** SHA-256, hexadecimal. */
  readonly fingerprint: string
  readonly notBefore: number
  readonly notAfter: number
  readonly daysLeft: number
  /** Did the server send it, or is it completed from what is known here? */
  readonly sent: boolean
  readonly der: Buffer
}

export interface ChainFinding {
  /** In the order of the path: the leaf first; what was sent beside it last. */
  readonly certificates: readonly ChainCertificate[]
  readonly trusted: boolean
  /** Why it is not trusted. */
  readonly reason: string | undefined
  /** The name of the authority that nobody knows here. */
  readonly missing: string | undefined
  /** The hosts that the leaf is for (RFC 6125: subjectAltName alone). */
  readonly hosts: readonly string[]
}

/**
 * Judges the chain of a server by the roots that are trusted here (RFC 5280 section 6). `roots` complete a chain whose
 * root was not sent, as usual; undefined: what the server sent as its own cannot be read.
 */
export function judgeChain(
  sent: readonly Buffer[],
  roots: readonly Certificate[],
  now: number,
): ChainFinding | undefined {
  try {
    return judge(sent, roots, now)
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

function judge(
  sent: readonly Buffer[],
  roots: readonly Certificate[],
  now: number,
): ChainFinding | undefined {
  const readable = sent.map(readCertificate)
  const [leaf] = readable
  if (!leaf) return undefined
  const others = readable.slice(1).filter(one => one !== undefined)
  const found = validatePath({
    leaf,
    intermediates: others.filter(one => !isSelfIssued(one)).slice(0, searchLimits.intermediates),
    anchors: roots.map(anchorOf),
    now,
    purpose: 'serverAuth',
    // As clients do, and openssl by default: the profile of section 4 beside it is broken by many roots.
    policy: { strict: false },
  })
  const path = found.ok ? found.chain : followed(leaf, [...others, ...roots])
  const rest = others.filter(one => !path.some(other => other.raw.equals(one.raw)))
  return {
    certificates: [...path, ...rest].map(one => describe(one, leaf, sent, now)),
    trusted: found.ok,
    reason: found.ok ? undefined : found.message,
    missing: found.ok ? undefined : found.missing?.issuer,
    hosts: hostsOf(leaf),
  }
}

/** From the leaf upwards by name, as far as it goes. */
function followed(leaf: Certificate, known: readonly Certificate[]): Certificate[] {
  const path = [leaf]
  while (path.length <= searchLimits.intermediates) {
    const last = path.at(-1)!
    const next = known.find(one => nameEquals(one.subject, last.issuer) && !path.includes(one))
    if (isSelfIssued(last) || !next) break
    path.push(next)
  }
  return path
}

function describe(
  certificate: Certificate,
  leaf: Certificate,
  sent: readonly Buffer[],
  now: number,
): ChainCertificate {
  const { subject, issuer, notBefore, notAfter, raw } = certificate
  return {
    role: certificate === leaf ? 'leaf' : isSelfIssued(certificate) ? 'root' : 'intermediate',
    subject: formatName(subject),
    issuer: formatName(issuer),
    fingerprint: certificateFingerprint(raw),
    notBefore,
    notAfter,
    daysLeft: Math.floor((notAfter - now) / day),
    sent: sent.some(der => der.equals(raw)),
    der: raw,
  }
}

function readCertificate(der: Buffer): Certificate | undefined {
  try {
    return parseCertificate(der)
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

const isSelfIssued = ({ subject, issuer }: Certificate): boolean => nameEquals(subject, issuer)

function hostsOf({ extensions }: Certificate): string[] {
  const names = parseCertificateExtensions(extensions).subjectAltName ?? []
  return names.flatMap(name => (name.kind === 'dns' || name.kind === 'ip' ? [name.value] : []))
}
