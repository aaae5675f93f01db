import type { Ending } from '../expiry.ts'
import type { Transactions } from '../store.ts'
import type { ApplicationTable } from './store.ts'

/**
 * Applications of all tenants that have certificates, of which none is good at `time` any more: the one of each that
 * lasts longest. One that ends beside its successor is nobody's worry.
 */
export async function endingApplications(
  time: number,
  { store }: { readonly store: Transactions<{ applications: ApplicationTable }> },
): Promise<Ending[]> {
  const found = await store.read.applications.endingBefore(time)
  return found.map(({ tenantName, name, clientId, thumbprint, notAfter }) => ({
    of: 'app',
    id: thumbprint,
    names: { tenant: tenantName, application: name },
    notAfter,
    hint: `Add its successor: countersign app certificate add ${clientId} FILE.cer`,
  }))
}
