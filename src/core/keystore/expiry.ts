import { parseCertificate } from '../../crypto/certificate.ts'
import { formatName } from '../../crypto/names.ts'
import { certificateFingerprint } from '../../crypto/thumbprint.ts'
import type { Ending } from '../expiry.ts'
import type { Transactions } from '../store.ts'
import type { EndingEntry, KeystoreTable } from './store.ts'

/** The entries of all tenants whose certificate ends before `time`. */
export async function endingKeystore(
  time: number,
  { store }: { readonly store: Transactions<{ keystore: KeystoreTable }> },
): Promise<Ending[]> {
  return (await store.read.keystore.endingBefore(time)).map(endingOf)
}

const endingOf = ({ tenantName, alias, chain, holdsKey, notAfter }: EndingEntry): Ending => ({
  of: 'keystore',
  id: certificateFingerprint(chain[0]!),
  names: { tenant: tenantName, alias, subject: formatName(parseCertificate(chain[0]!).subject) },
  notAfter,
  hint: holdsKey
    ? 'Have it signed anew: countersign keystore csr, then keystore chain; or import another key pair with --replace.'
    : 'Import its successor: countersign keystore import ALIAS FILE --replace.',
})
