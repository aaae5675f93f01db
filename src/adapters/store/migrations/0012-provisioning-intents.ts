import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely'
import type { Facts } from '../facts.ts'

/** One row says what is about to be created, for many entities; and what is known of entities is kept in its key. */
export async function up(db: Kysely<unknown>, facts: Facts): Promise<void> {
  await intents(db, facts)
  await states(db, facts)
  await sql`insert into provisioning_states select source_id, target_id, entity_type, id, id_in_target, digest, pending,
    existed, seen from provisioning_entities`.execute(db)
  await db.schema.dropTable('provisioning_entities').execute()
}

async function intents(db: Kysely<unknown>, { text, long, integer, clustered }: Facts): Promise<void> {
  await db.schema
    .createTable('provisioning_intents')
    .addColumn('source_id', text, ofSystem)
    .addColumn('number', integer, required)
    .addColumn('target_id', text, ofSystem)
    .addColumn('entity_type', text, required)
    .addColumn('begun_at', long, required)
    .addColumn('ids', text, required)
    .addPrimaryKeyConstraint('provisioning_intents_key', ['source_id', 'number'])
    .modifyEnd(clustered)
    .execute()
}

async function states(db: Kysely<unknown>, { text, long, integer, clustered }: Facts): Promise<void> {
  await db.schema
    .createTable('provisioning_states')
    .addColumn('source_id', text, ofSystem)
    .addColumn('target_id', text, ofSystem)
    .addColumn('entity_type', text, required)
    .addColumn('id', text, required)
    .addColumn('id_in_target', text)
    .addColumn('digest', text, required)
    .addColumn('pending', integer, required)
    .addColumn('existed', integer, required)
    .addColumn('seen', long, required)
    .addPrimaryKeyConstraint('provisioning_states_key', ['source_id', 'entity_type', 'id', 'target_id'])
    .modifyEnd(clustered)
    .execute()
}

function ofSystem(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull().references('provisioning_systems.id').onDelete('cascade')
}

function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull()
}
