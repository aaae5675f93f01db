import { type Context, day } from '../context.ts'
import type { ChangeFeed, Transactions } from '../store.ts'
import type { AuthorityDirectory, AuthorityMember } from './directory.ts'
import { makeCrl } from './make-crl.ts'
import type { AuthorityTable, IssuedCertificateTable, StoredCrl } from './store.ts'

/** For so long a list may be relied upon; it is made anew when half of that is over, and at once after a revocation. */
export const crlValidityMs = day
const renewBeforeMs = crlValidityMs / 2

type Tables = { authorities: AuthorityTable; issued: IssuedCertificateTable }

export interface CrlPublishing {
  readonly store: Transactions<Tables>
  readonly authorities: AuthorityDirectory
  readonly context: Pick<Context, 'now'>
}

/** The revocation lists of the authorities: made when asked for, the same on every node. */
export interface Crls {
  /** The list of one authority of the tenant as of now; undefined: there is no such authority. */
  current(tenantId: string, authorityId: string): Promise<StoredCrl | undefined>
}

export function createCrls(publishing: CrlPublishing, changes: ChangeFeed): Crls {
  const known = new Map<string, StoredCrl>()
  const loading = new Map<string, Promise<StoredCrl>>()
  let epoch = 0
  changes.onChange(change => {
    if (change && change.kind !== 'authority' && change.kind !== 'tenant') return
    epoch++
    // Who asks from now on waits for no list that was begun before.
    loading.clear()
    if (change?.kind === 'authority') known.delete(change.id)
    else known.clear()
  })
  const { store, authorities, context } = publishing
  const isFresh = (crl: StoredCrl | undefined): crl is StoredCrl =>
    crl !== undefined && crl.nextUpdate - context.now() > renewBeforeMs

  async function load(signer: AuthorityMember): Promise<StoredCrl> {
    const started = epoch
    const stored = await store.read.authorities.crl(signer.id)
    const validity = { validityMs: crlValidityMs, isFresh }
    const crl = isFresh(stored) ? stored : await makeCrl(signer, validity, publishing)
    if (started === epoch) known.set(signer.id, crl)
    return crl
  }

  function loadOnce(signer: AuthorityMember): Promise<StoredCrl> {
    const under = loading.get(signer.id)
    if (under) return under
    const started = load(signer).finally(() => {
      if (loading.get(signer.id) === started) loading.delete(signer.id)
    })
    loading.set(signer.id, started)
    return started
  }

  return {
    async current(tenantId, authorityId) {
      const { members } = await authorities.of(tenantId)
      const signer = members.find(
        ({ id, role, holdsKey }) => id === authorityId && role !== 'ocsp' && holdsKey,
      )
      if (!signer) return undefined
      const crl = known.get(signer.id)
      return isFresh(crl) ? crl : loadOnce(signer)
    },
  }
}
