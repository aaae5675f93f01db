import type { Kysely } from 'kysely'
import type { Facts } from '../facts.ts'

/** Signed assertions: sets of keys, and what instances say about assertions. */
export async function up(db: Kysely<unknown>, { text }: Facts): Promise<void> {
  const { schema } = db
  await schema
    .alterTable('instances')
    .addColumn('assertion_audience', text, c => c.notNull().defaultTo('issuer'))
    .execute()
  await schema
    .alterTable('instances')
    .addColumn('assertion_replay', text, c => c.notNull().defaultTo('refused'))
    .execute()
  await schema
    .createTable('key_sets')
    .addColumn('credential_id', text, c =>
      c.primaryKey().notNull().references('service_keys.id').onDelete('cascade'),
    )
    .addColumn('jwks', text)
    .addColumn('jwks_uri', text)
    .execute()
}
