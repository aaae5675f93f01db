import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** Registered clients (SAP Neo), and what roles users have at which runtime node. */
export async function up(db: Kysely<unknown>, { text, bytes, integer, long }: Facts): Promise<void> {
  const { schema } = db
  const ofTenant = (c: ColumnDefinitionBuilder) => c.notNull().references('tenants.id').onDelete('cascade')

  await schema
    .createTable('registered_clients')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, ofTenant)
    .addColumn('client_id', text, required)
    .addColumn('description', text, required)
    .addColumn('generation', integer, required)
    .addColumn('secret_digest', bytes)
    .addColumn('chosen_secret', text)
    .addColumn('token_lifetime', integer, required)
    .addColumn('node', text, required)
    .addColumn('disabled', integer, required)
    .addColumn('created_at', long, required)
    .addColumn('updated_at', long, required)
    .addUniqueConstraint('registered_clients_client', ['tenant_id', 'client_id'])
    .execute()

  await schema
    .createTable('role_assignments')
    .addColumn('tenant_id', text, ofTenant)
    .addColumn('user_name', text, required)
    .addColumn('node', text, required)
    .addColumn('role', text, required)
    .addColumn('created_at', long, required)
    .addPrimaryKeyConstraint('role_assignments_key', ['tenant_id', 'user_name', 'node', 'role'])
    .execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
