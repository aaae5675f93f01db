import type {
  SourceState,
  SourceStateTable,
  StoredSystem,
  SystemCertificate,
  SystemCertificateTable,
  SystemRole,
  SystemTable,
} from '../../../core/provisioning/index.ts'
import type { ProvisioningCertificateRow, ProvisioningSourceRow, ProvisioningSystemRow } from '../schema.ts'
import type { Scope } from './scope.ts'

export function systemTable(scope: Scope): SystemTable {
  const changing = ({ id, tenantId }: Pick<StoredSystem, 'id' | 'tenantId'>) =>
    scope.changing({ kind: 'provisioning', tenantId, id })
  return {
    async list(tenantId) {
      const rows = await scope.db
        .selectFrom('provisioningSystems')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .orderBy('nameLower')
        .execute()
      return rows.map(systemOf)
    },
    async find(tenantId, name) {
      const row = await scope.db
        .selectFrom('provisioningSystems')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .where('nameLower', '=', name.toLowerCase())
        .executeTakeFirst()
      return row && systemOf(row)
    },
    async byId(id) {
      const row = await scope.db
        .selectFrom('provisioningSystems')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row && systemOf(row)
    },
    async insert(system) {
      await changing(system).insertInto('provisioningSystems').values(rowOf(system)).execute()
    },
    async update(system) {
      const { properties, sealed, readTransformation, writeTransformation, updatedAt } = rowOf(system)
      await changing(system)
        .updateTable('provisioningSystems')
        .set({ properties, sealed, readTransformation, writeTransformation, updatedAt })
        .where('id', '=', system.id)
        .execute()
    },
    async delete(system) {
      await changing(system).deleteFrom('provisioningSystems').where('id', '=', system.id).execute()
    },
  }
}

export function systemCertificateTable(scope: Scope): SystemCertificateTable {
  const changing = ({ systemId, tenantId }: SystemCertificate) =>
    scope.changing({ kind: 'provisioning', tenantId, id: systemId })
  return {
    async list(systemId) {
      const rows = await scope.db
        .selectFrom('provisioningCertificates')
        .selectAll()
        .where('systemId', '=', systemId)
        .orderBy('createdAt')
        .orderBy('id')
        .execute()
      return rows.map(certificateOf)
    },
    async insert(certificate) {
      await changing(certificate)
        .insertInto('provisioningCertificates')
        .values(certificateRow(certificate))
        .execute()
    },
    async setActive(certificate, active) {
      await changing(certificate)
        .updateTable('provisioningCertificates')
        .set({ active: Number(active) })
        .where('id', '=', certificate.id)
        .execute()
    },
    async delete(certificate) {
      await changing(certificate)
        .deleteFrom('provisioningCertificates')
        .where('id', '=', certificate.id)
        .execute()
    },
    async endingBefore(time) {
      const rows = await scope.db
        .selectFrom('provisioningCertificates')
        .innerJoin('provisioningSystems', 'provisioningSystems.id', 'provisioningCertificates.systemId')
        .innerJoin('tenants', 'tenants.id', 'provisioningCertificates.tenantId')
        .selectAll('provisioningCertificates')
        .select([
          'tenants.name as tenantName',
          'provisioningSystems.name as systemName',
          'provisioningSystems.type as systemType',
        ])
        .where('active', '=', 1)
        .where('notAfter', '<', time)
        .orderBy('notAfter')
        .execute()
      return rows.map(({ tenantName, systemName, systemType, ...row }) => ({
        ...certificateOf(row),
        tenantName,
        systemName,
        systemType,
      }))
    },
  }
}

export function sourceStateTable({ db, changing }: Scope): SourceStateTable {
  return {
    async find(systemId) {
      const row = await db
        .selectFrom('provisioningSources')
        .selectAll()
        .where('systemId', '=', systemId)
        .executeTakeFirst()
      return row && sourceOf(row)
    },
    async put(state) {
      const row = sourceRow(state)
      const { systemId: _, ...changed } = row
      await changing()
        .insertInto('provisioningSources')
        .values(row)
        .onConflict(conflict => conflict.column('systemId').doUpdateSet(changed))
        .execute()
    },
    async due(now) {
      const rows = await db
        .selectFrom('provisioningSources')
        .selectAll()
        .where('nextRunAt', '<=', now)
        .orderBy('nextRunAt')
        .execute()
      return rows.map(sourceOf)
    },
  }
}

const rowOf = ({
  name,
  properties,
  readTransformation,
  writeTransformation,
  ...rest
}: StoredSystem): ProvisioningSystemRow => ({
  ...rest,
  name,
  nameLower: name.toLowerCase(),
  properties: JSON.stringify(properties),
  readTransformation: readTransformation === undefined ? null : JSON.stringify(readTransformation),
  writeTransformation: writeTransformation === undefined ? null : JSON.stringify(writeTransformation),
})

const systemOf = ({
  nameLower: _,
  role,
  properties,
  readTransformation,
  writeTransformation,
  ...row
}: ProvisioningSystemRow): StoredSystem => ({
  ...row,
  role: role as SystemRole,
  properties: JSON.parse(properties),
  readTransformation: readTransformation === null ? undefined : JSON.parse(readTransformation),
  writeTransformation: writeTransformation === null ? undefined : JSON.parse(writeTransformation),
})

const certificateRow = ({ chain, active, ...rest }: SystemCertificate): ProvisioningCertificateRow => ({
  ...rest,
  chain: JSON.stringify(chain.map(der => der.toString('base64'))),
  active: Number(active),
})

const certificateOf = ({ chain, active, ...row }: ProvisioningCertificateRow): SystemCertificate => ({
  ...row,
  chain: (JSON.parse(chain) as string[]).map(der => Buffer.from(der, 'base64')),
  active: active === 1,
})

const sourceRow = ({ everyMinutes, nextRunAt, since, ...rest }: SourceState): ProvisioningSourceRow => ({
  ...rest,
  everyMinutes: everyMinutes ?? null,
  nextRunAt: nextRunAt ?? null,
  since: since ?? null,
})

const sourceOf = ({ everyMinutes, nextRunAt, since, ...row }: ProvisioningSourceRow): SourceState => ({
  ...row,
  everyMinutes: everyMinutes ?? undefined,
  nextRunAt: nextRunAt ?? undefined,
  since: since ?? undefined,
})
