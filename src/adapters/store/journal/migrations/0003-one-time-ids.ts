import type { Kysely } from 'kysely'
import type { Facts } from '../../facts.ts'

/** Ids that count once, until the assertions that carried them have expired. */
export async function up(db: Kysely<unknown>, { text, long }: Facts): Promise<void> {
  await db.schema
    .createTable('one_time_ids')
    .addColumn('id', text, c => c.primaryKey().notNull())
    .addColumn('keep_until', long, c => c.notNull())
    .execute()
  await db.schema.createIndex('one_time_ids_age').on('one_time_ids').column('keep_until').execute()
}
