import { sql } from 'kysely'
import type { Client } from '../../../core/clients/index.ts'
import {
  type RegisteredClient,
  type RegisteredClientTable,
  userOf,
} from '../../../core/registration/index.ts'
import type { RegisteredClientRow } from '../schema.ts'
import { rolesOf } from './instances.ts'
import type { Scope } from './scope.ts'

export function registeredClientTable(scope: Scope): RegisteredClientTable {
  const changing = ({ id, tenantId, clientId }: Pick<RegisteredClient, 'id' | 'tenantId' | 'clientId'>) =>
    scope.changing({ kind: 'credential', tenantId, id, detail: clientId })
  return {
    async list(tenantId) {
      const rows = await scope.db
        .selectFrom('registeredClients')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .orderBy('clientId')
        .execute()
      return rows.map(clientOf)
    },
    async find(tenantId, clientId) {
      const row = await scope.db
        .selectFrom('registeredClients')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .where('clientId', '=', clientId)
        .executeTakeFirst()
      return row && clientOf(row)
    },
    async count(tenantId) {
      const { count } = await scope.db
        .selectFrom('registeredClients')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('tenantId', '=', tenantId)
        .executeTakeFirstOrThrow()
      return count
    },
    async insert(client) {
      await changing(client).insertInto('registeredClients').values(rowOf(client)).execute()
    },
    async update(client) {
      const { id, tenantId: _t, clientId: _c, generation: _g, createdAt: _a, ...changed } = rowOf(client)
      await changing(client).updateTable('registeredClients').set(changed).where('id', '=', id).execute()
    },
    async delete(client) {
      await changing(client).deleteFrom('registeredClients').where('id', '=', client.id).execute()
    },
  }
}

function rowOf(client: RegisteredClient): RegisteredClientRow {
  return {
    ...client,
    secretDigest: client.secretDigest ?? null,
    chosenSecret: client.chosenSecret ?? null,
    disabled: Number(client.disabled),
  }
}

function clientOf(row: RegisteredClientRow): RegisteredClient {
  return {
    ...row,
    secretDigest: row.secretDigest ?? undefined,
    chosenSecret: row.chosenSecret ?? undefined,
    disabled: row.disabled === 1,
  }
}

/** A registered client as requests need it, with the roles of its user at its node. One query, as for service keys. */
export function registeredSelection({ db }: Pick<Scope, 'db'>) {
  return db
    .selectFrom('registeredClients')
    .leftJoin('roleAssignments', join =>
      join
        .onRef('roleAssignments.tenantId', '=', 'registeredClients.tenantId')
        .onRef('roleAssignments.node', '=', 'registeredClients.node')
        .on(({ eb, ref }) =>
          eb(
            'roleAssignments.userName',
            '=',
            sql<string>`${userOf('')} || ${ref('registeredClients.clientId')}`,
          ),
        ),
    )
    .selectAll('registeredClients')
    .select('roleAssignments.role')
    .orderBy('roleAssignments.role')
}

/** The client of the rows, one per role. */
export function registeredClientOf(
  rows: readonly (RegisteredClientRow & { role: string | null })[],
): Client | undefined {
  const [first] = rows
  if (!first) return undefined
  const { id, clientId, node } = first
  return {
    credentialId: id,
    generation: first.generation,
    clientId,
    tenantId: first.tenantId,
    // It has no instance; what is said of one is said of its subscription.
    instanceId: id,
    instanceName: node,
    keyName: clientId,
    plan: 'integration-flow',
    dialect: 'neo',
    roles: new Set(rolesOf(rows)),
    grantTypes: ['client_credentials'],
    tokenValidity: first.tokenLifetime,
    tokenFormat: 'opaque',
    bindTokens: false,
    assertionAudience: 'issuer',
    assertionReplay: 'refused',
    type: 'registered',
    secretDigest: first.secretDigest ?? undefined,
    previousSecret: undefined,
    pinned: true,
    certificates: [],
    createdAt: first.createdAt,
    expiresAt: undefined,
    registration: {
      user: userOf(clientId),
      node,
      disabled: first.disabled === 1,
      chosenSecret: first.chosenSecret ?? undefined,
    },
  }
}
