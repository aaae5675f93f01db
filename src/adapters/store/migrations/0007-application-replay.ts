import type { Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** Applications may say that an assertion of theirs counts once. */
export async function up(db: Kysely<unknown>, { text }: Facts): Promise<void> {
  await db.schema
    .alterTable('applications')
    .addColumn('assertion_replay', text, c => c.notNull().defaultTo('reported'))
    .execute()
}
