import { type Columns, type ColumnType, decisionColumns } from './schema.ts'

/**
 * A statement that writes a group of entries. The group travels as one JSON text: on the side of the requests that
 * costs one JSON.stringify, and one parameter instead of thousands.
 */
export interface GroupStatement {
  readonly sql: string
  /** Where the engine cannot take the text apart cheaply: the members of an entry, one run of the statement each. */
  readonly columns?: readonly (readonly [name: string, type: ColumnType])[]
}

/** The journal's writing statements. */
export interface JournalStatements {
  /** Parameters: tenant, flow, time of the newest, number of messages, JSON array of them. */
  readonly insertMessages: GroupStatement
  /** Parameter: JSON array of entries. */
  readonly insertDecisions: GroupStatement
  /** Parameter: JSON array of { credentialId, at }. Keeps the later time. */
  readonly upsertLastUsed: GroupStatement
  readonly prune: Record<'messages' | 'decisions', { readonly byCount: string; readonly byAge: string }>
  /** Parameter: how many of the last-used times to keep. */
  readonly pruneLastUsed: string
  /** Parameters: the time, and how many of those before it. */
  readonly pruneOneTimeIds: string
  /** SQLite: parameters id and time of one. PostgreSQL: JSON array of { id, keepUntil }; returns those that were not there. */
  readonly claimIds: string
}

/** How an engine writes a group. */
interface Grouping {
  parameter(number: number): string
  insert(table: string, columns: readonly (readonly [string, ColumnType])[], conflict: string): GroupStatement
  readonly greatest: string
  /** Leaves rows alone that somebody else is about to delete. */
  readonly skipLocked: string
  readonly claimIds: string
}

export const journalStatements = {
  // SQLite would parse an entry once for each of its members; the writer thread parses it once.
  sqlite: statements({
    parameter: () => '?',
    insert: (table, columns, conflict) => ({
      sql: `insert into ${table} (${names(columns)}) values (${columns.map(() => '?').join(', ')}) ${conflict}`,
      columns,
    }),
    greatest: 'max',
    // There is one writer.
    skipLocked: '',
    claimIds: 'insert into one_time_ids (id, keep_until) values (?, ?) on conflict do nothing',
  }),
  postgres: statements({
    parameter: number => `$${number}`,
    insert(table, columns, conflict) {
      const values = columns.map(([name, type]) => (type === 'json' ? `"${name}"::text` : `"${name}"`))
      const entry = columns.map(([name, type]) => `"${name}" ${type}`)
      // In the order of the ids: two nodes that locked the same rows in different orders would wait for each other.
      return {
        sql: `insert into ${table} (${names(columns)}) select ${values.join(', ')}
          from json_to_recordset($1::json) as entry(${entry.join(', ')}) ${conflict && `order by 1 ${conflict}`}`,
      }
    },
    greatest: 'greatest',
    skipLocked: 'for update skip locked',
    claimIds: `insert into one_time_ids (id, keep_until)
      select id, "keepUntil" from json_to_recordset($1::json) as entry(id text, "keepUntil" bigint) order by 1
      on conflict do nothing returning id`,
  }),
}

function statements(engine: Grouping): JournalStatements {
  const insert = <Entry>(table: string, columns: Columns<Entry>, conflict = ''): GroupStatement =>
    engine.insert(table, Object.entries<ColumnType>(columns), conflict)
  const parameter = engine.parameter(1)
  // The oldest by number are the oldest by time, near enough, and are found without an index of their own.
  const byAge = (table: string, time: string) =>
    `delete from ${table} where seq <= (select min(seq) + 10000 from ${table}) and ${time} < ${parameter}`
  const lastUsed: Columns<{ credentialId: string; at: number }> = { credentialId: 'text', at: 'bigint' }
  return {
    insertMessages: {
      sql: `insert into message_groups (tenant_id, flow_id, newest_at, size, entries)
        values (${[1, 2, 3, 4, 5].map(engine.parameter).join(', ')})`,
    },
    insertDecisions: insert('decisions', decisionColumns),
    upsertLastUsed: insert(
      'last_used',
      lastUsed,
      `on conflict (credential_id) do update set at = ${engine.greatest}(last_used.at, excluded.at)`,
    ),
    prune: {
      messages: {
        byCount: `delete from message_groups where seq <= (select max(seq) from
          (select seq, sum(size) over (order by seq desc) as kept from message_groups) as counted
          where kept > ${parameter})`,
        byAge: byAge('message_groups', 'newest_at'),
      },
      decisions: {
        byCount: `delete from decisions where seq <= (select max(seq) from decisions) - ${parameter}`,
        byAge: byAge('decisions', 'at'),
      },
    },
    pruneOneTimeIds: `delete from one_time_ids where id in
      (select id from one_time_ids where keep_until < ${engine.parameter(1)}
       order by keep_until limit ${engine.parameter(2)} ${engine.skipLocked})`,
    claimIds: engine.claimIds,
    pruneLastUsed: `delete from last_used where at <
      (select at from last_used order by at desc limit 1 offset ${parameter})`,
  }
}

function names(columns: readonly (readonly [string, ColumnType])[]): string {
  return columns.map(([name]) => columnName(name)).join(', ')
}

function columnName(member: string): string {
  return member.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
