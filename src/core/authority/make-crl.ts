import { setImmediate as others } from 'node:timers/promises'
import { buildLongCrl, entryWriter } from '../../crypto/crl/index.ts'
import { type Context, minute } from '../context.ts'
import type { Transactions } from '../store.ts'
import type { AuthorityMember } from './directory.ts'
import { issuerKeyIdOf } from './profiles.ts'
import type { AuthorityTable, IssuedCertificateTable, RevokedEntry, StoredCrl } from './store.ts'

type Tables = { authorities: AuthorityTable; issued: IssuedCertificateTable }

interface Making {
  readonly store: Transactions<Tables>
  readonly context: Pick<Context, 'now'>
}

export interface CrlValidity {
  readonly validityMs: number
  /** Is a list good enough that none has to be made? */
  isFresh(crl: StoredCrl | undefined): crl is StoredCrl
}

/** Of entries that are read at a stretch: other requests wait meanwhile. */
const pageOfEntries = 500
/** So often the entries are read without holding anybody up; somebody may be revoked meanwhile. */
const mostReadings = 3

/**
 * Signs a new list with the next number (RFC 5280 section 5), unless another process was quicker. A long list takes a
 * while: its entries are read before the transaction, page by page, and those read are all when their number is
 * still the same inside; the signature is made on another thread. An entry stays until a list was due after the
 * certificate's end (section 3.3).
 */
export async function makeCrl(
  signer: AuthorityMember,
  { validityMs, isFresh }: CrlValidity,
  { store, context }: Making,
): Promise<StoredCrl> {
  for (let readings = 1; ; readings++) {
    const since = context.now() - validityMs
    const early = readings > mostReadings ? undefined : await readEntries(signer.id, since, store.read.issued)
    const made = await store.write(async ({ authorities, issued }) => {
      const existing = await authorities.crl(signer.id)
      if (isFresh(existing)) return existing
      const read = early ?? (await readEntries(signer.id, since, issued))
      // Read inside, they are all there are.
      if (early && early.count !== (await issued.countRevoked(signer.id, since))) return undefined
      const now = context.now()
      const crl = { thisUpdate: now - 5 * minute, nextUpdate: now + validityMs }
      const der = await buildLongCrl(
        {
          issuer: signer.certificate.subject.raw,
          issuerKey: signer.key(),
          ...issuerKeyIdOf(signer.certificate),
          number: await authorities.nextCrlNumber(signer.id),
          ...crl,
        },
        read.entries,
      )
      await authorities.putCrl(signer, { der, ...crl })
      return { der, ...crl }
    })
    if (made) return made
  }
}

async function readEntries(
  authorityId: string,
  since: number,
  issued: IssuedCertificateTable,
): Promise<{ entries: Buffer; count: number }> {
  const writer = entryWriter()
  let count = 0
  for (let page: RevokedEntry[] | undefined; !page || page.length === pageOfEntries; ) {
    if (page) await others()
    page = await issued.revoked(authorityId, since, {
      after: page?.at(-1)?.serial ?? '',
      most: pageOfEntries,
    })
    for (const { serial, revokedAt, reason } of page)
      writer.add({
        serial: Buffer.from(serial, 'hex'),
        revokedAt,
        ...(reason && reason !== 'unspecified' && { reason }),
      })
    count += page.length
  }
  return { entries: writer.finish(), count }
}
