import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely'
import type { Facts } from '../../facts.ts'

/**
 * Messages are kept in the groups in which they were written, each of one flow. Landed: never edited. A change of
 * the schema is the next file.
 */
export async function up(db: Kysely<unknown>, { text, integer, long, counted }: Facts): Promise<void> {
  const { schema } = db
  await schema
    .createTable('message_groups')
    .addColumn('seq', counted)
    .addColumn('tenant_id', text, required)
    .addColumn('flow_id', text, required)
    .addColumn('newest_at', long, required)
    .addColumn('size', integer, required)
    .addColumn('entries', text, required)
    .execute()
  await schema
    .createIndex('message_groups_time')
    .on('message_groups')
    .columns(['tenant_id', 'newest_at'])
    .execute()
  await schema
    .createIndex('message_groups_flow')
    .on('message_groups')
    .columns(['tenant_id', 'flow_id', 'newest_at'])
    .execute()
  await moveMessages(db)
  await schema.dropTable('messages').execute()
}

/** Each old message becomes a group of one. */
async function moveMessages(db: Kysely<unknown>): Promise<void> {
  let done = 0
  for (;;) {
    const { rows } = await sql<OldMessage>`
      select * from messages where seq > ${done} order by seq limit 100`.execute(db)
    const last = rows.at(-1)
    if (!last) return
    done = Number(last.seq)
    const values = rows.map(
      row => sql`(${row.tenant_id}, ${row.flow_id}, ${row.ended_at}, 1, ${JSON.stringify([entryOf(row)])})`,
    )
    await sql`insert into message_groups (tenant_id, flow_id, newest_at, size, entries)
      values ${sql.join(values)}`.execute(db)
  }
}

interface OldMessage {
  readonly seq: number
  readonly id: string
  readonly tenant_id: string
  readonly flow_id: string
  readonly correlation_id: string
  readonly caller_correlation_id: string | null
  readonly status: string
  readonly http_status: number
  readonly receiver_status: number | null
  readonly sender: string
  readonly method: string
  readonly started_at: number | string
  readonly ended_at: number | string
  readonly error: string | null
}

function entryOf(row: OldMessage) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    flowId: row.flow_id,
    correlationId: row.correlation_id,
    callerCorrelationId: row.caller_correlation_id ?? undefined,
    status: row.status,
    httpStatus: row.http_status,
    receiverStatus: row.receiver_status ?? undefined,
    sender: row.sender,
    method: row.method,
    // pg gives bigint as text.
    startedAt: Number(row.started_at),
    endedAt: Number(row.ended_at),
    error: row.error ?? undefined,
  }
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
