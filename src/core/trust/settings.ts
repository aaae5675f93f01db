import { type Certificate, parseCertificate } from '../../crypto/certificate.ts'
import { canonicalName } from '../../crypto/names.ts'
import type { RevocationPolicy, TrustedCertificate } from './store.ts'

/** What the operator says of revocation by one authority. */
export type RevocationSettings = Pick<TrustedCertificate, 'crlUrl' | 'ocspUrl' | 'revocation'>

/** Of all authorities of which something is said, by `authorityId`. */
export type AuthoritySettings = ReadonlyMap<string, RevocationSettings>

/** An authority is a name with a key; it may have several certificates, and a sender chooses which one it sends. */
export const authorityId = ({ subject, spki }: Pick<Certificate, 'subject' | 'spki'>): string =>
  `${canonicalName(subject)} ${spki.raw.toString('base64')}`

/** `rows`: oldest first. What is said of any certificate of an authority counts for all; of two policies the stricter. */
export function settingsOf(rows: readonly TrustedCertificate[]): AuthoritySettings {
  const settings = new Map<string, RevocationSettings>()
  for (const { der, crlUrl, ocspUrl, revocation } of rows) {
    const id = authorityId(parseCertificate(der))
    const before = settings.get(id)
    settings.set(id, {
      crlUrl: crlUrl ?? before?.crlUrl,
      ocspUrl: ocspUrl ?? before?.ocspUrl,
      revocation: stricter(revocation, before?.revocation ?? 'off'),
    })
  }
  return settings
}

const byStrictness: readonly RevocationPolicy[] = ['off', 'soft', 'hard']

const stricter = (one: RevocationPolicy, other: RevocationPolicy): RevocationPolicy =>
  byStrictness.indexOf(one) > byStrictness.indexOf(other) ? one : other
