import type { Application, ApplicationTable, AppRef } from '../../../core/applications/index.ts'
import type { ApplicationRow } from '../schema.ts'
import { applicationParts } from './application-parts.ts'
import type { Scope } from './scope.ts'

export function applicationTable(scope: Scope): ApplicationTable {
  const changing = ({ id, tenantId, clientId }: AppRef) =>
    scope.changing({ kind: 'credential', tenantId, id, detail: clientId })
  const first = async (tenantId: string, column: 'clientId' | 'idUri' | 'name', value: string) => {
    const row = await scope.db
      .selectFrom('applications')
      .selectAll()
      .where('tenantId', '=', tenantId)
      .where(column, '=', value)
      .executeTakeFirst()
    return row && applicationOf(row)
  }
  const resource = async (tenantId: string, address: string) =>
    (await first(tenantId, 'clientId', address.toLowerCase())) ?? (await first(tenantId, 'idUri', address))
  return {
    async list(tenantId) {
      const rows = await scope.db
        .selectFrom('applications')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .orderBy('name')
        .execute()
      return rows.map(applicationOf)
    },
    async count(tenantId) {
      const { count } = await scope.db
        .selectFrom('applications')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('tenantId', '=', tenantId)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    resource,
    find: async (tenantId, reference) =>
      (await resource(tenantId, reference)) ?? (await first(tenantId, 'name', reference)),
    async insert(application) {
      await changing(application).insertInto('applications').values(rowOf(application)).execute()
    },
    async update(application) {
      const { name, idUri, tokenVersion, assignmentRequired, assertionReplay, disabled, updatedAt } =
        rowOf(application)
      await changing(application)
        .updateTable('applications')
        .set({ name, idUri, tokenVersion, assignmentRequired, assertionReplay, disabled, updatedAt })
        .where('id', '=', application.id)
        .execute()
    },
    async delete(application) {
      await changing(application).deleteFrom('applications').where('id', '=', application.id).execute()
    },
    async endingBefore(time) {
      const rows = await scope.db
        .selectFrom('appCertificates')
        .innerJoin('applications', 'applications.id', 'appCertificates.applicationId')
        .innerJoin('tenants', 'tenants.id', 'applications.tenantId')
        .select([
          'applications.id',
          'tenants.name as tenantName',
          'applications.name',
          'applications.clientId',
          'appCertificates.thumbprint',
          'appCertificates.notAfter',
        ])
        .where('applications.disabled', '=', 0)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('appCertificates as later')
                .select('later.thumbprint')
                .whereRef('later.applicationId', '=', 'applications.id')
                .where('later.notAfter', '>=', time),
            ),
          ),
        )
        .orderBy('appCertificates.notAfter')
        .execute()
      // The last of each: later ones replace earlier ones.
      return [...new Map(rows.map(({ id, ...row }) => [id, row])).values()]
    },
    ...applicationParts(scope),
    async putRole(application, role) {
      const values = { ...role, enabled: Number(role.enabled) }
      const { value, displayName, enabled } = values
      await changing(application)
        .insertInto('appRoles')
        .values({ applicationId: application.id, ...values })
        .onConflict(conflict =>
          conflict.columns(['applicationId', 'id']).doUpdateSet({ value, displayName, enabled }),
        )
        .execute()
    },
    async deleteRole(application, roleId) {
      await changing(application)
        .deleteFrom('appRoles')
        .where('applicationId', '=', application.id)
        .where('id', '=', roleId)
        .execute()
    },
    async insertCertificate(application, { der: certificate, ...rest }) {
      await changing(application)
        .insertInto('appCertificates')
        .values({ applicationId: application.id, certificate, ...rest })
        .execute()
    },
    async deleteCertificate(application, thumbprint) {
      await changing(application)
        .deleteFrom('appCertificates')
        .where('applicationId', '=', application.id)
        .where('thumbprint', '=', thumbprint)
        .execute()
    },
    async insertSecret(application, { expiresAt = null, ...rest }) {
      await changing(application)
        .insertInto('appSecrets')
        .values({ applicationId: application.id, ...rest, expiresAt })
        .execute()
    },
    async deleteSecret(application, id) {
      await changing(application)
        .deleteFrom('appSecrets')
        .where('applicationId', '=', application.id)
        .where('id', '=', id)
        .execute()
    },
    // Grants are read whenever a token is issued: nobody keeps them, so nobody has to be told.
    async insertGrant(grant) {
      await scope
        .changing()
        .insertInto('appGrants')
        .values(grant)
        .onConflict(conflict => conflict.columns(['applicationId', 'resourceId', 'roleId']).doNothing())
        .execute()
    },
    async deleteGrant({ applicationId, resourceId, roleId }) {
      await scope
        .changing()
        .deleteFrom('appGrants')
        .where('applicationId', '=', applicationId)
        .where('resourceId', '=', resourceId)
        .where('roleId', '=', roleId)
        .execute()
    },
  }
}

const rowOf = ({ idUri, assignmentRequired, disabled, ...rest }: Application): ApplicationRow => ({
  ...rest,
  idUri: idUri ?? null,
  assignmentRequired: Number(assignmentRequired),
  disabled: Number(disabled),
})

const applicationOf = ({ idUri, tokenVersion, ...row }: ApplicationRow): Application => ({
  ...row,
  idUri: idUri ?? undefined,
  tokenVersion: tokenVersion === 1 ? 1 : 2,
  assignmentRequired: row.assignmentRequired === 1,
  assertionReplay: row.assertionReplay as Application['assertionReplay'],
  disabled: row.disabled === 1,
})
