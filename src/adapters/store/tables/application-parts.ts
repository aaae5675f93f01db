import type {
  AppCertificate,
  ApplicationTable,
  AppRole,
  AppSecret,
  GrantedRole,
} from '../../../core/applications/index.ts'
import type { Scope } from './scope.ts'

type Reads = Pick<ApplicationTable, 'roles' | 'certificates' | 'secrets' | 'grants' | 'rolesAt' | 'partsOf'>
type Ids = readonly string[]
type Db = Scope['db']

/** What belongs to applications: each kind in one query, for one application or for all of a tenant. */
export function applicationParts(scope: Scope): Reads {
  return {
    roles: async id => (await rolesOf(scope.db, [id])).get(id) ?? [],
    certificates: async id => (await certificatesOf(scope.db, [id])).get(id) ?? [],
    secrets: async id => (await secretsOf(scope.db, [id])).get(id) ?? [],
    grants: async id => (await grantsOf(scope.db, [id])).get(id) ?? [],
    async rolesAt(applicationId, resourceId) {
      const rows = await held(scope.db, [applicationId])
        .where('appGrants.resourceId', '=', resourceId)
        .where('appRoles.enabled', '=', 1)
        .select('appRoles.value')
        .orderBy('appRoles.value')
        .execute()
      return rows.map(({ value }) => value)
    },
    async partsOf(ids) {
      const { db } = scope
      const roles = await rolesOf(db, ids)
      const certificates = await certificatesOf(db, ids)
      const secrets = await secretsOf(db, ids)
      const grants = await grantsOf(db, ids)
      return new Map(
        ids.map(id => [
          id,
          {
            roles: roles.get(id) ?? [],
            certificates: certificates.get(id) ?? [],
            secrets: secrets.get(id) ?? [],
            grants: grants.get(id) ?? [],
          },
        ]),
      )
    },
  }
}

async function rolesOf(db: Db, ids: Ids): Promise<ReadonlyMap<string, AppRole[]>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('appRoles')
    .selectAll()
    .where('applicationId', 'in', ids)
    .orderBy('value')
    .execute()
  return grouped(rows, ({ enabled, ...role }) => ({ ...role, enabled: enabled === 1 }))
}

async function certificatesOf(db: Db, ids: Ids): Promise<ReadonlyMap<string, AppCertificate[]>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('appCertificates')
    .selectAll()
    .where('applicationId', 'in', ids)
    .orderBy('createdAt')
    .orderBy('thumbprint')
    .execute()
  return grouped(rows, ({ certificate: der, ...rest }) => ({ ...rest, der }))
}

async function secretsOf(db: Db, ids: Ids): Promise<ReadonlyMap<string, AppSecret[]>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('appSecrets')
    .selectAll()
    .where('applicationId', 'in', ids)
    .orderBy('createdAt')
    .orderBy('id')
    .execute()
  return grouped(rows, ({ expiresAt, ...rest }) => ({ ...rest, expiresAt: expiresAt ?? undefined }))
}

async function grantsOf(db: Db, ids: Ids): Promise<ReadonlyMap<string, GrantedRole[]>> {
  if (ids.length === 0) return new Map()
  const rows = await held(db, ids)
    .innerJoin('applications', 'applications.id', 'appGrants.resourceId')
    .select([
      'appGrants.applicationId',
      'appGrants.resourceId',
      'applications.name as resourceName',
      'applications.clientId as resourceClientId',
      'appGrants.roleId',
      'appRoles.value as role',
      'appGrants.createdAt',
    ])
    .orderBy('applications.name')
    .orderBy('appRoles.value')
    .execute()
  return grouped(rows, row => row)
}

const held = (db: Db, ids: Ids) =>
  db
    .selectFrom('appGrants')
    .innerJoin('appRoles', join =>
      join
        .onRef('appRoles.applicationId', '=', 'appGrants.resourceId')
        .onRef('appRoles.id', '=', 'appGrants.roleId'),
    )
    .where('appGrants.applicationId', 'in', ids)

function grouped<Row extends { applicationId: string }, Value>(
  rows: readonly Row[],
  toValue: (row: Omit<Row, 'applicationId'>) => Value,
): ReadonlyMap<string, Value[]> {
  const groups = new Map<string, Value[]>()
  for (const { applicationId, ...row } of rows) {
    const group = groups.get(applicationId)
    if (group) group.push(toValue(row))
    else groups.set(applicationId, [toValue(row)])
  }
  return groups
}
