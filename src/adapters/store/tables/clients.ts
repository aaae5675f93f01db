import type { RegisteredCertificate } from '../../../core/clients/certificates.ts'
import type { Client, ClientTable } from '../../../core/clients/client.ts'
import { applicationClientOf, applicationSelection } from './application-clients.ts'
import { rolesOf } from './instances.ts'
import { registeredClientOf, registeredSelection } from './registered-clients.ts'
import type { Scope } from './scope.ts'

/** Keys joined with what their instances allow, and their certificates. One query: a client is never seen half old, half new. */
export function clientTable(scope: Scope): ClientTable {
  return {
    async byClientId(tenantId, clientId) {
      // All are asked whatever the first says: the time must not tell which kind of client it is, or whether there is one.
      const applications = await applicationSelection(scope)
        .where('applications.tenantId', '=', tenantId)
        .where('applications.clientId', '=', clientId)
        .execute()
      const registered = await registeredSelection(scope)
        .where('registeredClients.tenantId', '=', tenantId)
        .where('registeredClients.clientId', '=', clientId)
        .execute()
      const rows = await selection(scope)
        .where('serviceKeys.tenantId', '=', tenantId)
        .where('serviceKeys.clientId', '=', clientId)
        .execute()
      return clientOf(rows) ?? registeredClientOf(registered) ?? applicationClientOf(applications)
    },
    async byCredentialId(credentialId) {
      const rows = await selection(scope).where('serviceKeys.id', '=', credentialId).execute()
      return (
        clientOf(rows) ??
        registeredClientOf(
          await registeredSelection(scope).where('registeredClients.id', '=', credentialId).execute(),
        ) ??
        applicationClientOf(
          await applicationSelection(scope).where('applications.id', '=', credentialId).execute(),
        )
      )
    },
    async byCertificate(tenantId, thumbprint) {
      const rows = await selection(scope)
        .where('serviceKeys.id', '=', key =>
          key
            .selectFrom('keyCertificates')
            .select('keyCertificates.credentialId')
            .where('keyCertificates.tenantId', '=', tenantId)
            .where('keyCertificates.thumbprint', '=', thumbprint),
        )
        .execute()
      return clientOf(rows)
    },
    async raiseGeneration(credentialId) {
      for (const table of ['serviceKeys', 'registeredClients', 'applications'] as const) {
        const held = await scope.db
          .selectFrom(table)
          .select(['tenantId', 'clientId'])
          .where('id', '=', credentialId)
          .executeTakeFirst()
        if (!held) continue
        await scope
          .changing({ kind: 'credential', tenantId: held.tenantId, id: credentialId, detail: held.clientId })
          .updateTable(table)
          .set(({ eb }) => ({ generation: eb('generation', '+', 1) }))
          .where('id', '=', credentialId)
          .execute()
        return true
      }
      return false
    },
  }
}

function selection(scope: Scope) {
  return scope.db
    .selectFrom('serviceKeys')
    .innerJoin('instances', 'instances.id', 'serviceKeys.instanceId')
    .leftJoin('instanceRoles', 'instanceRoles.instanceId', 'instances.id')
    .leftJoin('keyCertificates', 'keyCertificates.credentialId', 'serviceKeys.id')
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
      'instances.assertionAudience',
      'instances.assertionReplay',
      'serviceKeys.type',
      'serviceKeys.secretDigest',
      'serviceKeys.previousSecretDigest',
      'serviceKeys.previousSecretUntil',
      'serviceKeys.pinned',
      'keyCertificates.thumbprint',
      'keyCertificates.notBefore',
      'keyCertificates.notAfter',
      'keyCertificates.acceptedUntil',
      'keyCertificates.ended',
      'keyCertificates.endedAt',
      'serviceKeys.createdAt',
      'serviceKeys.expiresAt',
    ])
    .orderBy('instanceRoles.position')
}

type ClientRow = Awaited<ReturnType<ReturnType<typeof selection>['execute']>>[number]

function clientOf(rows: readonly ClientRow[]): Client | undefined {
  const [first] = rows
  if (!first) return undefined
  return {
    credentialId: first.credentialId,
    generation: first.generation,
    clientId: first.clientId,
    tenantId: first.tenantId,
    instanceId: first.instanceId,
    instanceName: first.instanceName,
    keyName: first.keyName,
    plan: first.plan,
    dialect: first.dialect,
    roles: new Set(rolesOf(rows)),
    grantTypes: JSON.parse(first.grantTypes),
    tokenValidity: first.tokenValidity,
    tokenFormat: first.tokenFormat,
    bindTokens: first.bindTokens === 1,
    assertionAudience: first.assertionAudience as Client['assertionAudience'],
    assertionReplay: first.assertionReplay as Client['assertionReplay'],
    type: first.type,
    secretDigest: first.secretDigest ?? undefined,
    previousSecret:
      first.previousSecretDigest && first.previousSecretUntil
        ? { digest: first.previousSecretDigest, until: first.previousSecretUntil }
        : undefined,
    pinned: first.pinned === 1,
    certificates: certificatesOf(rows),
    createdAt: first.createdAt,
    expiresAt: first.expiresAt ?? undefined,
  }
}

/** The rows are every role with every certificate. */
function certificatesOf(rows: readonly ClientRow[]): RegisteredCertificate[] {
  const found = new Map<string, RegisteredCertificate>()
  for (const { thumbprint, notBefore, notAfter, acceptedUntil, ended, endedAt } of rows) {
    if (thumbprint === null || found.has(thumbprint)) continue
    found.set(thumbprint, {
      thumbprint,
      notBefore: notBefore!,
      notAfter: notAfter!,
      acceptedUntil: acceptedUntil ?? undefined,
      ended: (ended ?? undefined) as RegisteredCertificate['ended'],
      endedAt: endedAt ?? undefined,
    })
  }
  return [...found.values()]
}
