import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { Facts } from '../../facts.ts'

/** Landed: never edited. A change of the schema is the next file. */
export async function up(
  { schema }: Kysely<unknown>,
  { text, integer, long, counted }: Facts,
): Promise<void> {
  await schema
    .createTable('messages')
    .addColumn('seq', counted)
    .addColumn('id', text, required)
    .addColumn('tenant_id', text, required)
    .addColumn('flow_id', text, required)
    .addColumn('correlation_id', text, required)
    .addColumn('caller_correlation_id', text)
    .addColumn('status', text, required)
    .addColumn('http_status', integer, required)
    .addColumn('receiver_status', integer)
    .addColumn('sender', text, required)
    .addColumn('method', text, required)
    .addColumn('started_at', long, required)
    .addColumn('ended_at', long, required)
    .addColumn('error', text)
    .execute()
  await schema.createIndex('messages_time').on('messages').columns(['tenant_id', 'ended_at']).execute()
  await schema
    .createIndex('messages_flow')
    .on('messages')
    .columns(['tenant_id', 'flow_id', 'ended_at'])
    .execute()

  await schema
    .createTable('decisions')
    .addColumn('seq', counted)
    .addColumn('id', text, required)
    .addColumn('tenant_id', text, required)
    .addColumn('at', long, required)
    .addColumn('caller_correlation_id', text)
    .addColumn('surface', text, required)
    .addColumn('method', text, required)
    .addColumn('path', text, required)
    .addColumn('source', text, required)
    .addColumn('listener', text, required)
    .addColumn('status', integer, required)
    .addColumn('code', text, required)
    .addColumn('reason', text, required)
    .addColumn('hint', text)
    .addColumn('client_id', text)
    .addColumn('credential_id', text)
    .addColumn('checks', text, required)
    .execute()
  await schema.createIndex('decisions_id').on('decisions').columns(['id', 'tenant_id']).execute()
  await schema.createIndex('decisions_time').on('decisions').columns(['tenant_id', 'at']).execute()
  await schema
    .createIndex('decisions_client')
    .on('decisions')
    .columns(['tenant_id', 'client_id', 'at'])
    .execute()
  await schema.createIndex('decisions_code').on('decisions').columns(['tenant_id', 'code', 'at']).execute()

  await schema
    .createTable('last_used')
    .addColumn('credential_id', text, c => c.primaryKey().notNull())
    .addColumn('at', long, required)
    .execute()
  await schema.createIndex('last_used_time').on('last_used').column('at').execute()
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
