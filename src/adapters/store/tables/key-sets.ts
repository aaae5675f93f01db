import type { KeySetRow, KeySetTable } from '../../../core/clients/index.ts'
import type { KeySetTableRow } from '../schema.ts'
import type { Scope } from './scope.ts'

/** Changes of a key set are announced by the change of its service key, which goes with them. */
export function keySetTable(scope: Scope): KeySetTable {
  const listOf = async (credentialIds: readonly string[]): Promise<KeySetRow[]> => {
    if (credentialIds.length === 0) return []
    const rows = await scope.db
      .selectFrom('keySets')
      .selectAll()
      .where('credentialId', 'in', credentialIds)
      .execute()
    return rows.map(keySetOf)
  }
  return {
    listOf,
    find: async credentialId => (await listOf([credentialId]))[0],
    async insert(row) {
      await scope.changing().insertInto('keySets').values(rowOf(row)).execute()
    },
    async replace(row) {
      const { jwks, jwksUri } = rowOf(row)
      await scope
        .changing()
        .updateTable('keySets')
        .set({ jwks, jwksUri })
        .where('credentialId', '=', row.credentialId)
        .execute()
    },
  }
}

const rowOf = ({ credentialId, jwks, jwksUri }: KeySetRow): KeySetTableRow => ({
  credentialId,
  jwks: jwks ?? null,
  jwksUri: jwksUri ?? null,
})

const keySetOf = ({ credentialId, jwks, jwksUri }: KeySetTableRow): KeySetRow => ({
  credentialId,
  jwks: jwks ?? undefined,
  jwksUri: jwksUri ?? undefined,
})
