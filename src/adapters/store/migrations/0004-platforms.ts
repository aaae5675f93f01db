import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** Open Service Broker: by which ids platforms know instances and keys, and answers kept for those who ask again. */
export async function up(db: Kysely<unknown>, { text, bytes, long }: Facts): Promise<void> {
  const { schema } = db
  const ofInstance = (c: ColumnDefinitionBuilder) =>
    c.notNull().references('instances.id').onDelete('cascade')
  const ofKey = (c: ColumnDefinitionBuilder) => c.notNull().references('service_keys.id').onDelete('cascade')

  await schema
    .createTable('platform_instances')
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('id', text, required)
    .addColumn('instance_id', text, ofInstance)
    .addColumn('organization', text, required)
    .addColumn('space', text, required)
    .addPrimaryKeyConstraint('platform_instances_key', ['tenant_id', 'id'])
    .addUniqueConstraint('platform_instances_instance', ['instance_id'])
    .execute()

  await schema
    .createTable('platform_bindings')
    .addColumn('instance_id', text, ofInstance)
    .addColumn('id', text, required)
    .addColumn('credential_id', text, ofKey)
    .addColumn('request_digest', text, required)
    .addColumn('parameters', text, required)
    .addPrimaryKeyConstraint('platform_bindings_key', ['instance_id', 'id'])
    .addUniqueConstraint('platform_bindings_credential', ['credential_id'])
    .execute()

  await schema
    .createTable('sealed_answers')
    .addColumn('credential_id', text, c => ofKey(c).primaryKey())
    .addColumn('sealed', bytes, required)
    .addColumn('keep_until', long, required)
    .execute()
  await schema.createIndex('sealed_answers_age').on('sealed_answers').column('keep_until').execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
