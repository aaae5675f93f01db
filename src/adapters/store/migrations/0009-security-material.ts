import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** Security material: credentials that Countersign calls others with. */
export async function up(db: Kysely<unknown>, { text, bytes, long }: Facts): Promise<void> {
  await db.schema
    .createTable('security_material')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('name_lower', text, required)
    .addColumn('name', text, required)
    .addColumn('type', text, required)
    .addColumn('sealed', bytes, required)
    .addColumn('keystore_entry_id', text, c => c.references('keystore_entries.id'))
    .addColumn('created_at', long, required)
    .addColumn('updated_at', long, required)
    .addUniqueConstraint('security_material_name', ['tenant_id', 'name_lower'])
    .execute()
  await db.schema
    .createIndex('security_material_keystore_entry')
    .on('security_material')
    .column('keystore_entry_id')
    .execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
