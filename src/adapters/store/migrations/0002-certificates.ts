import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** Certificates: the authority of each tenant, those of the service keys, and the roots accepted from senders. */
export async function up(db: Kysely<unknown>, { text, bytes, integer, long }: Facts): Promise<void> {
  const { schema } = db
  const ofTenant = (c: ColumnDefinitionBuilder) => c.notNull().references('tenants.id').onDelete('cascade')
  const ofKey = (c: ColumnDefinitionBuilder) => c.notNull().references('service_keys.id').onDelete('cascade')

  await schema
    .alterTable('tenants')
    .addColumn('self_signed', integer, c => c.notNull().defaultTo(0))
    .execute()
  await schema
    .alterTable('instances')
    .addColumn('certificate_overlap', integer, c => c.notNull().defaultTo(7))
    .execute()
  await schema
    .alterTable('service_keys')
    .addColumn('pinned', integer, c => c.notNull().defaultTo(1))
    .execute()
  await schema.alterTable('service_keys').addColumn('validity_days', integer).execute()
  await schema.alterTable('service_keys').addColumn('previous_secret_digest', bytes).execute()
  await schema.alterTable('service_keys').addColumn('previous_secret_until', long).execute()

  await schema
    .createTable('authorities')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, ofTenant)
    .addColumn('role', text, required)
    .addColumn('issuer_id', text)
    .addColumn('certificate', bytes, required)
    .addColumn('sealed_key', bytes)
    .addColumn('created_at', long, required)
    .addColumn('active_from', long, required)
    .addColumn('retire_at', long)
    .addColumn('crl_number', integer, c => c.notNull().defaultTo(0))
    .execute()
  await schema.createIndex('authorities_tenant').on('authorities').column('tenant_id').execute()

  await schema
    .createTable('crls')
    .addColumn('authority_id', text, c =>
      c.primaryKey().notNull().references('authorities.id').onDelete('cascade'),
    )
    .addColumn('der', bytes, required)
    .addColumn('this_update', long, required)
    .addColumn('next_update', long, required)
    .execute()

  // No foreign key to the service key: what was issued stays on record, and in the CRL, when the key is gone.
  await schema
    .createTable('issued_certificates')
    .addColumn('tenant_id', text, ofTenant)
    .addColumn('authority_id', text, c => c.notNull().references('authorities.id').onDelete('cascade'))
    .addColumn('serial', text, required)
    .addColumn('thumbprint', text, required)
    .addColumn('credential_id', text, required)
    .addColumn('subject', text, required)
    .addColumn('not_before', long, required)
    .addColumn('not_after', long, required)
    .addColumn('created_at', long, required)
    .addColumn('revoked_at', long)
    .addColumn('reason', text)
    .addPrimaryKeyConstraint('issued_certificates_key', ['authority_id', 'serial'])
    .addUniqueConstraint('issued_certificates_thumbprint', ['tenant_id', 'thumbprint'])
    .execute()
  await schema
    .createIndex('issued_certificates_revoked')
    .on('issued_certificates')
    .columns(['authority_id', 'revoked_at'])
    .execute()
  await schema
    .createIndex('issued_certificates_credential')
    .on('issued_certificates')
    .column('credential_id')
    .execute()

  await schema
    .createTable('key_certificates')
    .addColumn('tenant_id', text, ofTenant)
    .addColumn('thumbprint', text, required)
    .addColumn('credential_id', text, ofKey)
    .addColumn('certificate', bytes, required)
    .addColumn('names', text, required)
    .addColumn('not_before', long, required)
    .addColumn('not_after', long, required)
    .addColumn('accepted_until', long)
    .addColumn('ended_at', long)
    .addColumn('ended', text)
    .addColumn('created_at', long, required)
    .addPrimaryKeyConstraint('key_certificates_key', ['tenant_id', 'thumbprint'])
    .execute()
  await schema
    .createIndex('key_certificates_credential')
    .on('key_certificates')
    .column('credential_id')
    .execute()
  await schema
    .createIndex('key_certificates_names')
    .on('key_certificates')
    .columns(['tenant_id', 'names'])
    .execute()
  await schema.createIndex('key_certificates_end').on('key_certificates').column('not_after').execute()

  await schema
    .createTable('key_matches')
    .addColumn('tenant_id', text, ofTenant)
    .addColumn('digest', text, required)
    .addColumn('kind', text, required)
    .addColumn('credential_id', text, ofKey)
    .addPrimaryKeyConstraint('key_matches_key', ['tenant_id', 'digest'])
    .execute()
  await schema.createIndex('key_matches_credential').on('key_matches').column('credential_id').execute()

  await schema
    .createTable('trusted_certificates')
    .addColumn('tenant_id', text, ofTenant)
    .addColumn('fingerprint', text, required)
    .addColumn('role', text, required)
    .addColumn('certificate', bytes, required)
    .addColumn('crl_url', text)
    .addColumn('ocsp_url', text)
    .addColumn('revocation', text, required)
    .addColumn('added_at', long, required)
    .addPrimaryKeyConstraint('trusted_certificates_key', ['tenant_id', 'fingerprint'])
    .execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
