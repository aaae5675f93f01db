import type { IssuedCertificateTable, RevocationReason } from './store.ts'

/** What an operator may give as the reason; the first is for those who give none. */
export const revocationReasons: readonly RevocationReason[] = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
]

/** Inside a transaction: revokes what was issued to a credential that goes away. */
export async function revokeAllIssuedTo(
  credentialId: string,
  at: number,
  { issued }: { issued: IssuedCertificateTable },
): Promise<void> {
  for (const certificate of await issued.ofCredential(credentialId))
    if (certificate.revokedAt === undefined && certificate.notAfter > at)
      await issued.revoke(certificate, 'cessationOfOperation', at)
}
