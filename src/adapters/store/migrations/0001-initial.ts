import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** Landed: never edited. A change of the schema is the next file. */
export async function up(db: Kysely<unknown>, { text, bytes, integer, long }: Facts): Promise<void> {
  const { schema } = db

  await schema
    .createTable('tenants')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('name', text, required)
    .addColumn('guid', text, required)
    .addColumn('number', integer, required)
    .addColumn('aliases', text, required)
    .addColumn('signing_algorithm', text, required)
    .addColumn('created_at', long, required)
    .addUniqueConstraint('tenants_name', ['name'])
    .addUniqueConstraint('tenants_guid', ['guid'])
    .addUniqueConstraint('tenants_number', ['number'])
    .execute()

  await schema
    .createTable('inner_keys')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('purpose', text, required)
    .addColumn('sealed', bytes, required)
    .addColumn('created_at', long, required)
    .addUniqueConstraint('inner_keys_purpose', ['purpose'])
    .execute()

  await schema
    .createTable('tenant_keys')
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('id', text, required)
    .addColumn('use', text, required)
    .addColumn('algorithm', text, required)
    .addColumn('public_jwk', text)
    .addColumn('sealed', bytes, required)
    .addColumn('created_at', long, required)
    .addColumn('active_from', long, required)
    .addColumn('retire_at', long)
    .addPrimaryKeyConstraint('tenant_keys_key', ['tenant_id', 'id'])
    .execute()

  await schema
    .createTable('revocations')
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('token_id', text, required)
    .addColumn('credential_id', text, required)
    .addColumn('keep_until', long, required)
    .addPrimaryKeyConstraint('revocations_key', ['tenant_id', 'token_id'])
    .execute()
  await schema.createIndex('revocations_credential').on('revocations').column('credential_id').execute()
  await schema.createIndex('revocations_age').on('revocations').column('keep_until').execute()

  await schema
    .createTable('roles')
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('name_lower', text, required)
    .addColumn('name', text, required)
    .addColumn('description', text, required)
    .addColumn('created_at', long, required)
    .addPrimaryKeyConstraint('roles_key', ['tenant_id', 'name_lower'])
    .execute()

  await schema
    .createTable('instances')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('name', text, required)
    .addColumn('plan', text, required)
    .addColumn('dialect', text, required)
    .addColumn('grant_types', text, required)
    .addColumn('redirect_uris', text, required)
    .addColumn('token_validity', integer, required)
    .addColumn('token_format', text, required)
    .addColumn('bind_tokens', integer, required)
    .addColumn('created_at', long, required)
    .addColumn('updated_at', long, required)
    .addUniqueConstraint('instances_name', ['tenant_id', 'name'])
    .execute()

  await schema
    .createTable('instance_roles')
    .addColumn('instance_id', text, c => c.notNull().references('instances.id').onDelete('cascade'))
    .addColumn('role_lower', text, required)
    .addColumn('role', text, required)
    .addColumn('position', integer, required)
    .addPrimaryKeyConstraint('instance_roles_key', ['instance_id', 'role_lower'])
    .execute()
  await schema.createIndex('instance_roles_role').on('instance_roles').column('role_lower').execute()

  await schema
    .createTable('service_keys')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('instance_id', text, c => c.notNull().references('instances.id').onDelete('cascade'))
    .addColumn('name', text, required)
    .addColumn('type', text, required)
    .addColumn('client_id', text, required)
    .addColumn('generation', integer, required)
    .addColumn('secret_digest', bytes)
    .addColumn('created_at', long, required)
    .addColumn('expires_at', long)
    .addUniqueConstraint('service_keys_name', ['instance_id', 'name'])
    .addUniqueConstraint('service_keys_client', ['tenant_id', 'client_id'])
    .execute()

  await schema
    .createTable('flows')
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('id', text, required)
    .addColumn('definition', text, required)
    .addColumn('deployed_at', long, required)
    .addPrimaryKeyConstraint('flows_key', ['tenant_id', 'id'])
    .execute()

  await schema
    .createTable('changes')
    .addColumn('seq', long, c => c.primaryKey().notNull())
    .addColumn('kind', text, required)
    .addColumn('tenant_id', text, required)
    .addColumn('id', text, required)
    .addColumn('detail', text)
    .execute()
  await schema
    .createTable('change_counter')
    .addColumn('id', integer, c => c.primaryKey().notNull())
    .addColumn('last', long, required)
    .execute()
  await (db as Kysely<{ change_counter: { id: number; last: number } }>)
    .insertInto('change_counter')
    .values({ id: 1, last: 0 })
    .execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
