import type { RevocationPolicy, TrustedCertificate, TrustTable } from '../../../core/trust/store.ts'
import type { TrustedCertificateRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function trustTable(scope: Scope): TrustTable {
  const changing = (tenantId: string, id: string) => scope.changing({ kind: 'trust', tenantId, id })
  return {
    async list(tenantId) {
      const rows = await scope.db
        .selectFrom('trustedCertificates')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .orderBy('addedAt')
        .orderBy('fingerprint')
        .execute()
      return rows.map(trustedOf)
    },
    async count(tenantId) {
      const { count } = await scope.db
        .selectFrom('trustedCertificates')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('tenantId', '=', tenantId)
        .executeTakeFirstOrThrow()
      return count
    },
    async put({ tenantId, fingerprint, role, der, crlUrl = null, ocspUrl = null, revocation, addedAt }) {
      const settings = { crlUrl, ocspUrl, revocation }
      await changing(tenantId, fingerprint)
        .insertInto('trustedCertificates')
        .values({ tenantId, fingerprint, role, certificate: der, addedAt, ...settings })
        .onConflict(known => known.columns(['tenantId', 'fingerprint']).doUpdateSet(settings))
        .execute()
    },
    async delete(tenantId, fingerprint) {
      await changing(tenantId, fingerprint)
        .deleteFrom('trustedCertificates')
        .where('tenantId', '=', tenantId)
        .where('fingerprint', '=', fingerprint)
        .execute()
    },
  }
}

function trustedOf({ certificate, crlUrl, ocspUrl, ...row }: TrustedCertificateRow): TrustedCertificate {
  return {
    ...row,
    role: row.role as TrustedCertificate['role'],
    revocation: row.revocation as RevocationPolicy,
    der: certificate,
    crlUrl: crlUrl ?? undefined,
    ocspUrl: ocspUrl ?? undefined,
  }
}
