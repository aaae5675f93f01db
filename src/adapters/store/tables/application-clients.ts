import type { Client } from '../../../core/clients/index.ts'
import { hour } from '../../../core/context.ts'
import type { Scope } from './scope.ts'

/** An application as requests need it, one row per certificate and secret. One query, as for service keys. */
export function applicationSelection({ db }: Pick<Scope, 'db'>) {
  return db
    .selectFrom('applications')
    .leftJoin('appCertificates', 'appCertificates.applicationId', 'applications.id')
    .leftJoin('appSecrets', 'appSecrets.applicationId', 'applications.id')
    .select([
      'applications.id',
      'applications.tenantId',
      'applications.clientId',
      'applications.objectId',
      'applications.name',
      'applications.disabled',
      'applications.assertionReplay',
      'applications.generation',
      'applications.createdAt',
      'appCertificates.thumbprint',
      'appCertificates.certificate',
      'appCertificates.notBefore',
      'appCertificates.notAfter',
      'appSecrets.id as secretId',
      'appSecrets.digest',
      'appSecrets.expiresAt',
    ])
}

type Row = Awaited<ReturnType<ReturnType<typeof applicationSelection>['execute']>>[number]
type Facts = NonNullable<Client['application']>

/** The client of the rows. */
export function applicationClientOf(rows: readonly Row[]): Client | undefined {
  const [first] = rows
  if (!first) return undefined
  const { id, tenantId, clientId, objectId, name, disabled, assertionReplay, generation, createdAt } = first
  const secrets = new Map<string, Facts['secrets'][number]>()
  const certificates = new Map<string, Facts['certificates'][number]>()
  for (const row of rows) {
    if (row.secretId !== null)
      secrets.set(row.secretId, { digest: row.digest!, expiresAt: row.expiresAt ?? undefined })
    if (row.thumbprint !== null)
      certificates.set(row.thumbprint, {
        thumbprint: row.thumbprint,
        der: row.certificate!,
        notBefore: row.notBefore!,
        notAfter: row.notAfter!,
      })
  }
  return {
    credentialId: id,
    generation,
    clientId,
    tenantId,
    // It has no instance; what is said of one is said of itself.
    instanceId: id,
    instanceName: name,
    keyName: clientId,
    plan: 'integration-flow',
    dialect: 'entra',
    // Its roles are those of the application that it asks a token for.
    roles: new Set(),
    grantTypes: ['client_credentials'],
    tokenValidity: hour / 1000,
    tokenFormat: 'jwt',
    bindTokens: false,
    assertionAudience: 'token-endpoint',
    assertionReplay: assertionReplay as Client['assertionReplay'],
    type: 'application',
    secretDigest: undefined,
    previousSecret: undefined,
    pinned: true,
    certificates: [],
    createdAt,
    expiresAt: undefined,
    application: {
      objectId,
      disabled: disabled === 1,
      secrets: [...secrets.values()],
      certificates: [...certificates.values()],
    },
  }
}
