import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** The identity service: users, roles, groups, tenants of its own, mapping rules, authorizations, and who is in what. */
export async function up(db: Kysely<unknown>, { text, long, bytes }: Facts): Promise<void> {
  await db.schema
    .createTable('identity_entities')
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('kind', text, required)
    .addColumn('id', text, required)
    .addColumn('content', text, required)
    .addColumn('created_at', long, required)
    .addPrimaryKeyConstraint('identity_entities_key', ['tenant_id', 'kind', 'id'])
    .execute()
  await db.schema
    .createTable('identity_memberships')
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('container', text, required)
    .addColumn('container_id', text, required)
    .addColumn('member', text, required)
    .addColumn('member_id', text, required)
    .addPrimaryKeyConstraint('identity_memberships_key', [
      'tenant_id',
      'container',
      'container_id',
      'member',
      'member_id',
    ])
    .execute()
  await db.schema
    .createIndex('identity_memberships_member')
    .on('identity_memberships')
    .columns(['tenant_id', 'member', 'member_id'])
    .execute()
  await db.schema
    .createTable('identity_counters')
    .addColumn('tenant_id', text, c => c.primaryKey().notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('last', long, required)
    .execute()
  await db.schema
    .createTable('identity_sessions')
    .addColumn('digest', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('sealed', bytes, required)
    .addColumn('created_at', long, required)
    .addColumn('expires_at', long, required)
    .execute()
  await db.schema
    .createIndex('identity_sessions_expires')
    .on('identity_sessions')
    .columns(['expires_at'])
    .execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
