import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** Provisioning: systems, their certificates, jobs with their logs, and what is known of the entities in the targets. */
export async function up(db: Kysely<unknown>, f: Facts): Promise<void> {
  await systems(db, f)
  await jobs(db, f)
  await entities(db, f)
}

async function systems(db: Kysely<unknown>, { text, bytes, long, integer }: Facts): Promise<void> {
  await db.schema
    .createTable('provisioning_systems')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('name_lower', text, required)
    .addColumn('name', text, required)
    .addColumn('type', text, required)
    .addColumn('role', text, required)
    .addColumn('properties', text, required)
    .addColumn('sealed', bytes, required)
    .addColumn('read_transformation', text)
    .addColumn('write_transformation', text)
    .addColumn('created_at', long, required)
    .addColumn('updated_at', long, required)
    .addUniqueConstraint('provisioning_systems_name', ['tenant_id', 'name_lower'])
    .execute()
  await db.schema
    .createTable('provisioning_certificates')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('system_id', text, c => c.notNull().references('provisioning_systems.id').onDelete('cascade'))
    .addColumn('fingerprint', text, required)
    .addColumn('chain', text, required)
    .addColumn('sealed_key', bytes, required)
    .addColumn('not_after', long, required)
    .addColumn('active', integer, required)
    .addColumn('created_at', long, required)
    .addUniqueConstraint('provisioning_certificates_fingerprint', ['system_id', 'fingerprint'])
    .execute()
  await db.schema
    .createTable('provisioning_sources')
    .addColumn('system_id', text, c =>
      c.primaryKey().notNull().references('provisioning_systems.id').onDelete('cascade'),
    )
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('every_minutes', integer)
    .addColumn('next_run_at', long)
    .addColumn('since', text)
    .addColumn('delta_reads', integer, required)
    .addColumn('failures', integer, required)
    .execute()
}

async function jobs(db: Kysely<unknown>, { text, long, integer, counted }: Facts): Promise<void> {
  await db.schema
    .createTable('provisioning_jobs')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('tenant_id', text, c => c.notNull().references('tenants.id').onDelete('cascade'))
    .addColumn('system_id', text, c => c.notNull().references('provisioning_systems.id').onDelete('cascade'))
    .addColumn('number', long, c => c.notNull().unique())
    .addColumn('kind', text, required)
    .addColumn('trigger', text, required)
    .addColumn('triggered_by', text)
    .addColumn('status', text, required)
    .addColumn('created_at', long, required)
    .addColumn('started_at', long)
    .addColumn('ended_at', long)
    .addColumn('attempt', integer, required)
    .addColumn('stop_requested', integer, required)
    .addColumn('runner', text)
    .addColumn('lease_until', long)
    .addColumn('report', text, required)
    .execute()
  await db.schema
    .createIndex('provisioning_jobs_system')
    .on('provisioning_jobs')
    .columns(['tenant_id', 'number'])
    .execute()
  await db.schema
    .createIndex('provisioning_jobs_ended')
    .on('provisioning_jobs')
    .columns(['ended_at'])
    .execute()
  await db.schema
    .createTable('provisioning_job_lines')
    .addColumn('position', counted)
    .addColumn('job_id', text, c => c.notNull().references('provisioning_jobs.id').onDelete('cascade'))
    .addColumn('log', text, required)
    .addColumn('system', text, required)
    .addColumn('entity_type', text, required)
    .addColumn('entity_id', text, required)
    .addColumn('message', text, required)
    .addColumn('content', text)
    .execute()
  await db.schema
    .createIndex('provisioning_job_lines_log')
    .on('provisioning_job_lines')
    .columns(['job_id', 'log', 'position'])
    .execute()
}

async function entities(db: Kysely<unknown>, { text, long, integer }: Facts): Promise<void> {
  await db.schema
    .createTable('provisioning_entities')
    .addColumn('source_id', text, c => c.notNull().references('provisioning_systems.id').onDelete('cascade'))
    .addColumn('target_id', text, c => c.notNull().references('provisioning_systems.id').onDelete('cascade'))
    .addColumn('entity_type', text, required)
    .addColumn('id', text, required)
    .addColumn('id_in_target', text)
    .addColumn('digest', text, required)
    .addColumn('pending', integer, required)
    .addColumn('existed', integer, required)
    .addColumn('seen', long, required)
    .addPrimaryKeyConstraint('provisioning_entities_key', ['source_id', 'entity_type', 'id', 'target_id'])
    .execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
