import type {
  AuthorityCertificate,
  AuthorityTable,
  IssuedCertificate,
  IssuedCertificateTable,
  RevocationReason,
} from '../../../core/authority/store.ts'
import type { AuthorityRow, IssuedCertificateRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function authorityTable(scope: Scope): AuthorityTable {
  const changing = ({ id, tenantId }: Pick<AuthorityCertificate, 'id' | 'tenantId'>) =>
    scope.changing({ kind: 'authority', tenantId, id })
  return {
    async list(tenantId) {
      const rows = await scope.db
        .selectFrom('authorities')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .orderBy('createdAt')
        .orderBy('id')
        .execute()
      return rows.map(authorityOf)
    },
    async insert({ der, issuerId = null, sealedKey = null, retireAt = null, ...certificate }) {
      await changing(certificate)
        .insertInto('authorities')
        .values({ ...certificate, certificate: der, issuerId, sealedKey, retireAt, crlNumber: 0 })
        .execute()
    },
    async setRetireAt(authority, retireAt) {
      await changing(authority)
        .updateTable('authorities')
        .set({ retireAt })
        .where('id', '=', authority.id)
        .execute()
    },
    async delete(authority) {
      await changing(authority).deleteFrom('authorities').where('id', '=', authority.id).execute()
    },
    async crl(authorityId) {
      return scope.db
        .selectFrom('crls')
        .select(['der', 'thisUpdate', 'nextUpdate'])
        .where('authorityId', '=', authorityId)
        .executeTakeFirst()
    },
    async nextCrlNumber(authorityId) {
      const { crlNumber } = await scope
        .changing()
        .updateTable('authorities')
        .set(({ eb }) => ({ crlNumber: eb('crlNumber', '+', 1) }))
        .where('id', '=', authorityId)
        .returning('crlNumber')
        .executeTakeFirstOrThrow()
      return crlNumber
    },
    async putCrl(authority, crl) {
      // Not announced: a list that somebody still remembers is as good until it has to be made anew.
      await scope
        .changing()
        .insertInto('crls')
        .values({ authorityId: authority.id, ...crl })
        .onConflict(known => known.column('authorityId').doUpdateSet(crl))
        .execute()
    },
  }
}

export function issuedCertificateTable(scope: Scope): IssuedCertificateTable {
  const selection = () => scope.db.selectFrom('issuedCertificates').selectAll()
  const revokedOf = (authorityId: string, since: number) =>
    scope.db
      .selectFrom('issuedCertificates')
      .where('authorityId', '=', authorityId)
      .where('revokedAt', 'is not', null)
      .where('notAfter', '>=', since)
  return {
    async insert({ revokedAt = null, reason = null, ...certificate }) {
      await scope
        .changing()
        .insertInto('issuedCertificates')
        .values({ ...certificate, revokedAt, reason })
        .execute()
    },
    async bySerial(authorityId, serial) {
      const row = await selection()
        .where('authorityId', '=', authorityId)
        .where('serial', '=', serial)
        .executeTakeFirst()
      return row && issuedOf(row)
    },
    async bySerialIn(tenantId, serial) {
      const row = await selection()
        .where('tenantId', '=', tenantId)
        .where('serial', '=', serial)
        .executeTakeFirst()
      return row && issuedOf(row)
    },
    async byThumbprint(tenantId, thumbprint) {
      const row = await selection()
        .where('tenantId', '=', tenantId)
        .where('thumbprint', '=', thumbprint)
        .executeTakeFirst()
      return row && issuedOf(row)
    },
    async ofCredential(credentialId) {
      const rows = await selection()
        .where('credentialId', '=', credentialId)
        .orderBy('notBefore', 'desc')
        .execute()
      return rows.map(issuedOf)
    },
    async revoked(authorityId, since, { after, most }) {
      const rows = await revokedOf(authorityId, since)
        .select(['serial', 'revokedAt', 'reason'])
        .where('serial', '>', after)
        .orderBy('serial')
        .limit(most)
        .execute()
      return rows.map(({ serial, revokedAt, reason }) => ({
        serial,
        revokedAt: revokedAt!,
        reason: (reason ?? undefined) as RevocationReason | undefined,
      }))
    },
    async countRevoked(authorityId, since) {
      const { count } = await revokedOf(authorityId, since)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    },
    async revoke({ tenantId, authorityId, serial }, reason, revokedAt) {
      const db = scope.changing({ kind: 'authority', tenantId, id: authorityId })
      await db
        .updateTable('issuedCertificates')
        .set({ revokedAt, reason })
        .where('authorityId', '=', authorityId)
        .where('serial', '=', serial)
        .where('revokedAt', 'is', null)
        .execute()
      await db.deleteFrom('crls').where('authorityId', '=', authorityId).execute()
    },
    async deleteOlderThan(time) {
      await scope.changing().deleteFrom('issuedCertificates').where('notAfter', '<', time).execute()
    },
  }
}

function authorityOf(row: AuthorityRow): AuthorityCertificate {
  const { certificate, issuerId, sealedKey, retireAt, crlNumber: _, role, ...rest } = row
  return {
    ...rest,
    role: role as AuthorityCertificate['role'],
    der: certificate,
    issuerId: issuerId ?? undefined,
    sealedKey: sealedKey ?? undefined,
    retireAt: retireAt ?? undefined,
  }
}

function issuedOf(row: IssuedCertificateRow): IssuedCertificate {
  return {
    ...row,
    revokedAt: row.revokedAt ?? undefined,
    reason: (row.reason ?? undefined) as RevocationReason | undefined,
  }
}
