import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** Applications (Microsoft Entra): their credentials, the roles that they offer, and who was granted which. */
export async function up(db: Kysely<unknown>, { text, bytes, integer, long }: Facts): Promise<void> {
  const { schema } = db
  const ofApplication = (c: ColumnDefinitionBuilder) =>
    c.notNull().references('applications.id').onDelete('cascade')

  await schema
    .createTable('applications')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('client_id', text, required)
    .addColumn('object_id', text, required)
    .addColumn('name', text, required)
    .addColumn('id_uri', text)
    .addColumn('token_version', integer, required)
    .addColumn('assignment_required', integer, required)
    .addColumn('disabled', integer, required)
    .addColumn('generation', integer, required)
    .addColumn('created_at', long, required)
    .addColumn('updated_at', long, required)
    .addUniqueConstraint('applications_client', ['tenant_id', 'client_id'])
    .addUniqueConstraint('applications_name', ['tenant_id', 'name'])
    .addUniqueConstraint('applications_uri', ['tenant_id', 'id_uri'])
    .execute()

  await schema
    .createTable('app_roles')
    .addColumn('application_id', text, ofApplication)
    .addColumn('id', text, required)
    .addColumn('value', text, required)
    .addColumn('display_name', text, required)
    .addColumn('enabled', integer, required)
    .addPrimaryKeyConstraint('app_roles_key', ['application_id', 'id'])
    .addUniqueConstraint('app_roles_value', ['application_id', 'value'])
    .execute()

  await schema
    .createTable('app_certificates')
    .addColumn('application_id', text, ofApplication)
    .addColumn('thumbprint', text, required)
    .addColumn('certificate', bytes, required)
    .addColumn('not_before', long, required)
    .addColumn('not_after', long, required)
    .addColumn('created_at', long, required)
    .addPrimaryKeyConstraint('app_certificates_key', ['application_id', 'thumbprint'])
    .execute()

  await schema
    .createTable('app_secrets')
    .addColumn('application_id', text, ofApplication)
    .addColumn('id', text, required)
    .addColumn('digest', bytes, required)
    .addColumn('created_at', long, required)
    .addColumn('expires_at', long)
    .addPrimaryKeyConstraint('app_secrets_key', ['application_id', 'id'])
    .execute()

  await schema
    .createTable('app_grants')
    .addColumn('application_id', text, ofApplication)
    .addColumn('resource_id', text, ofApplication)
    .addColumn('role_id', text, required)
    .addColumn('created_at', long, required)
    .addPrimaryKeyConstraint('app_grants_key', ['application_id', 'resource_id', 'role_id'])
    .addForeignKeyConstraint(
      'app_grants_role',
      ['resource_id', 'role_id'],
      'app_roles',
      ['application_id', 'id'],
      c => c.onDelete('cascade'),
    )
    .execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
