import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { parseCertificateExtensions } from '../../crypto/extensions/index.ts'
import { formatName, type Name } from '../../crypto/names.ts'
import { certificateFingerprint } from '../../crypto/thumbprint.ts'

/** Cuts the names of somebody out of a longer one: a good one has exactly one. */
export type CutName = (name: string) => readonly string[]

/** Which part of a certificate names the principal. */
export type PrincipalSource = 'CN' | 'DN' | 'SAN_DNS' | 'SAN_EMAIL' | 'SAN_URI'
export const principalSources: readonly PrincipalSource[] = ['CN', 'DN', 'SAN_DNS', 'SAN_EMAIL', 'SAN_URI']

/** What mapping rules see of a certificate: `certificate.subject`, `certificate.san.uri` and so on. */
export function certificateClaims(der: Buffer): { readonly certificate: Readonly<Record<string, unknown>> } {
  const certificate = parseCertificate(der)
  const { subject, issuer, serial, raw } = certificate
  return {
    certificate: {
      subject: formatName(subject),
      issuer: formatName(issuer),
      serialNumber: serial.toString(16),
      fingerprint: certificateFingerprint(raw),
      commonName: commonNames(subject),
      san: {
        dns: sanOf(certificate, 'dns'),
        email: sanOf(certificate, 'email'),
        uri: sanOf(certificate, 'uri'),
      },
    },
  }
}

/** The name of the principal, if the certificate has exactly one at that place: of several, nobody can say which is meant. */
export function principalIn(
  der: Buffer,
  source: PrincipalSource,
  cut: CutName | undefined,
): string | undefined {
  const found = namesAt(parseCertificate(der), source).flatMap(name => cut?.(name) ?? name)
  return found.length === 1 ? found[0] : undefined
}

function namesAt(certificate: Certificate, source: PrincipalSource): readonly string[] {
  switch (source) {
    case 'CN':
      return commonNames(certificate.subject)
    case 'DN':
      return [formatName(certificate.subject)]
    case 'SAN_DNS':
      return sanOf(certificate, 'dns')
    case 'SAN_EMAIL':
      return sanOf(certificate, 'email')
    case 'SAN_URI':
      return sanOf(certificate, 'uri')
  }
}

const commonNames = ({ rdns }: Name): string[] =>
  rdns.flat().flatMap(({ type, value }) => (type === 'CN' && typeof value === 'string' ? [value] : []))

function sanOf({ extensions }: Certificate, kind: 'dns' | 'email' | 'uri'): string[] {
  const { subjectAltName = [] } = parseCertificateExtensions(extensions)
  return subjectAltName.flatMap(name => (name.kind === kind ? [name.value] : []))
}
