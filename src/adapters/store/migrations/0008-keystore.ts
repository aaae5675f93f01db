import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** The keystore: key pairs and certificates that Countersign shows to others. */
export async function up(db: Kysely<unknown>, { text, bytes, long }: Facts): Promise<void> {
  await db.schema
    .createTable('keystore_entries')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('alias_lower', text, required)
    .addColumn('alias', text, required)
    .addColumn('chain', text, required)
    .addColumn('sealed_key', bytes)
    .addColumn('not_after', long, required)
    .addColumn('created_at', long, required)
    .addColumn('updated_at', long, required)
    .addUniqueConstraint('keystore_entries_alias', ['tenant_id', 'alias_lower'])
    .execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
