import type {
  CertificateEnd,
  KeyCertificate,
  KeyCertificateTable,
  KeyMatchTable,
  MatchKind,
} from '../../../core/clients/certificates.ts'
import type { KeyCertificateRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function keyCertificateTable(scope: Scope): KeyCertificateTable {
  const changing = (
    { tenantId, credentialId }: { tenantId: string; credentialId: string },
    clientId: string,
  ) => scope.changing({ kind: 'credential', tenantId, id: credentialId, detail: clientId })
  const withOwner = () =>
    scope.db
      .selectFrom('keyCertificates')
      .innerJoin('serviceKeys', 'serviceKeys.id', 'keyCertificates.credentialId')
      .innerJoin('instances', 'instances.id', 'serviceKeys.instanceId')
  /** Neither ended nor succeeded, with whom to tell. */
  const inUse = () =>
    withOwner()
      .innerJoin('tenants', 'tenants.id', 'keyCertificates.tenantId')
      .select([
        'tenants.name as tenantName',
        'instances.name as instanceName',
        'serviceKeys.name as keyName',
        'serviceKeys.clientId',
        'keyCertificates.thumbprint',
        'keyCertificates.notAfter',
      ])
      .where('keyCertificates.ended', 'is', null)
      .where('keyCertificates.acceptedUntil', 'is', null)
  const listOf = async (credentialIds: readonly string[]) => {
    if (credentialIds.length === 0) return []
    const rows = await scope.db
      .selectFrom('keyCertificates')
      .selectAll()
      .where('credentialId', 'in', credentialIds)
      .orderBy('notBefore')
      .orderBy('createdAt')
      .execute()
    return rows.map(keyCertificateOf)
  }
  return {
    list: credentialId => listOf([credentialId]),
    listOf,
    async find(tenantId, thumbprint) {
      const row = await withOwner()
        .selectAll('keyCertificates')
        .select(['serviceKeys.pinned', 'instances.name as instanceName', 'serviceKeys.name as keyName'])
        .where('keyCertificates.tenantId', '=', tenantId)
        .where('keyCertificates.thumbprint', '=', thumbprint)
        .executeTakeFirst()
      if (!row) return undefined
      const { pinned, instanceName, keyName, ...certificate } = row
      return { ...keyCertificateOf(certificate), pinned: pinned === 1, instanceName, keyName }
    },
    async withNames(tenantId, names) {
      const rows = await withOwner()
        .select([
          'keyCertificates.credentialId',
          'serviceKeys.pinned',
          'instances.name as instanceName',
          'serviceKeys.name as keyName',
        ])
        .distinct()
        .where('keyCertificates.tenantId', '=', tenantId)
        .where('keyCertificates.names', '=', names)
        .where('keyCertificates.ended', 'is', null)
        .execute()
      return rows.map(row => ({ ...row, pinned: row.pinned === 1 }))
    },
    async insert(certificate, clientId) {
      const { der, acceptedUntil = null, ended = null, endedAt = null, ...rest } = certificate
      await changing(certificate, clientId)
        .insertInto('keyCertificates')
        .values({ ...rest, certificate: der, acceptedUntil, ended, endedAt })
        .execute()
    },
    async end(certificate, ended, endedAt, clientId) {
      await changing(certificate, clientId)
        .updateTable('keyCertificates')
        .set({ ended, endedAt })
        .where('tenantId', '=', certificate.tenantId)
        .where('thumbprint', '=', certificate.thumbprint)
        .execute()
    },
    async setAcceptedUntil(certificate, acceptedUntil, clientId) {
      await changing(certificate, clientId)
        .updateTable('keyCertificates')
        .set({ acceptedUntil })
        .where('tenantId', '=', certificate.tenantId)
        .where('thumbprint', '=', certificate.thumbprint)
        .execute()
    },
    async delete(certificate, clientId) {
      await changing(certificate, clientId)
        .deleteFrom('keyCertificates')
        .where('tenantId', '=', certificate.tenantId)
        .where('thumbprint', '=', certificate.thumbprint)
        .execute()
    },
    endingBefore: time =>
      inUse().where('keyCertificates.notAfter', '<', time).orderBy('keyCertificates.notAfter').execute(),
    async issuedBy(tenantId, authorityIds, time) {
      if (authorityIds.length === 0) return []
      return inUse()
        .innerJoin('issuedCertificates', issued =>
          issued
            .onRef('issuedCertificates.tenantId', '=', 'keyCertificates.tenantId')
            .onRef('issuedCertificates.thumbprint', '=', 'keyCertificates.thumbprint'),
        )
        .where('keyCertificates.tenantId', '=', tenantId)
        .where('issuedCertificates.authorityId', 'in', authorityIds)
        .where('keyCertificates.notAfter', '>=', time)
        .orderBy('keyCertificates.notAfter')
        .execute()
    },
  }
}

export function keyMatchTable(scope: Scope): KeyMatchTable {
  return {
    async insert(match) {
      await scope.changing().insertInto('keyMatches').values(match).execute()
    },
    async put(match) {
      await scope
        .changing()
        .insertInto('keyMatches')
        .values(match)
        .onConflict(known =>
          known.columns(['tenantId', 'digest']).doUpdateSet({ credentialId: match.credentialId }),
        )
        .execute()
    },
    async find(tenantId, digests) {
      if (digests.length === 0) return []
      const rows = await scope.db
        .selectFrom('keyMatches')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .where('digest', 'in', digests)
        .execute()
      return rows.map(row => ({ ...row, kind: row.kind as MatchKind }))
    },
  }
}

function keyCertificateOf(row: KeyCertificateRow): KeyCertificate {
  const { certificate, acceptedUntil, ended, endedAt, ...rest } = row
  return {
    ...rest,
    der: certificate,
    acceptedUntil: acceptedUntil ?? undefined,
    ended: (ended ?? undefined) as CertificateEnd | undefined,
    endedAt: endedAt ?? undefined,
  }
}
