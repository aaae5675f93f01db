import type { Client, ClientTable } from '../../../core/clients/client.ts'
import { rolesOf } from './instances.ts'
import type { Scope } from './scope.ts'

/** Keys joined with what their instances allow. One query: a client is never seen half old, half new. */
export function clientTable(scope: Scope): ClientTable {
  return {
    async byClientId(tenantId, clientId) {
      const rows = await selection(scope)
        .where('serviceKeys.tenantId', '=', tenantId)
        .where('serviceKeys.clientId', '=', clientId)
        .execute()
      return clientOf(rows)
    },
    async byCredentialId(credentialId) {
      return clientOf(await selection(scope).where('serviceKeys.id', '=', credentialId).execute())
    },
    async raiseGeneration(credentialId) {
      const key = await scope.db
        .selectFrom('serviceKeys')
        .select(['tenantId', 'clientId'])
        .where('id', '=', credentialId)
        .executeTakeFirst()
      if (!key) return false
      await scope
        .changing({ kind: 'credential', tenantId: key.tenantId, id: credentialId, detail: key.clientId })
        .updateTable('serviceKeys')
        .set(({ eb }) => ({ generation: eb('generation', '+', 1) }))
        .where('id', '=', credentialId)
        .execute()
      return true
    },
  }
}

function selection(scope: Scope) {
  return scope.db
    .selectFrom('serviceKeys')
    .innerJoin('instances', 'instances.id', 'serviceKeys.instanceId')
    .leftJoin('instanceRoles', 'instanceRoles.instanceId', 'instances.id')
    .select([
      'serviceKeys.id as credentialId',
      'serviceKeys.generation',
      'serviceKeys.clientId',
      'serviceKeys.tenantId',
      'serviceKeys.instanceId',
      'instances.name as instanceName',
      'serviceKeys.name as keyName',
      'instances.plan',
      'instances.dialect',
      'instanceRoles.role',
      'instances.grantTypes',
      'instances.tokenValidity',
      'instances.tokenFormat',
      'instances.bindTokens',
      'serviceKeys.type',
      'serviceKeys.secretDigest',
      'serviceKeys.createdAt',
      'serviceKeys.expiresAt',
    ])
    .orderBy('instanceRoles.position')
}

type ClientRow = Awaited<ReturnType<ReturnType<typeof selection>['execute']>>[number]

function clientOf(rows: readonly ClientRow[]): Client | undefined {
  const [first] = rows
  if (!first) return undefined
  const { role: _, ...row } = first
  return {
    ...row,
    roles: new Set(rolesOf(rows)),
    grantTypes: JSON.parse(row.grantTypes),
    bindTokens: row.bindTokens === 1,
    secretDigest: row.secretDigest ?? undefined,
    expiresAt: row.expiresAt ?? undefined,
  }
}
