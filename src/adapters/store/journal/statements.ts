import { type Columns, type ColumnType, decisionColumns, messageColumns } from './schema.ts'

/**
 * The journal's writing statements. A whole group of entries goes as one JSON text and the database takes it apart:
 * on the side of the requests that costs one JSON.stringify per group, and one parameter instead of thousands.
 */
export interface JournalStatements {
  /** Parameter: JSON array of entries. */
  readonly insertMessages: string
  /** Parameter: JSON array of entries. */
  readonly insertDecisions: string
  /** Parameter: JSON array of { credentialId, at }. Keeps the later time. */
  readonly upsertLastUsed: string
  readonly prune: Record<'messages' | 'decisions', { readonly byCount: string; readonly byAge: string }>
  /** Parameter: how many of the last-used times to keep. */
  readonly pruneLastUsed: string
}

/** How an engine reads rows out of a JSON text. */
interface JsonReading {
  readonly parameter: string
  /** What stands after `from`. */
  source(columns: Readonly<Record<string, ColumnType>>): string
  value(name: string, type: ColumnType): string
  readonly greatest: string
}

export const journalStatements = {
  sqlite: statements({
    parameter: '?',
    source: () => 'json_each(?) where true',
    value: (name, type) => `value ${type === 'json' ? '->' : '->>'} '$.${name}'`,
    greatest: 'max',
  }),
  postgres: statements({
    parameter: '$1',
    source(columns) {
      const list = Object.entries(columns).map(([name, type]) => `"${name}" ${type}`)
      return `json_to_recordset($1::json) as entry(${list.join(', ')})`
    },
    value: (name, type) => (type === 'json' ? `"${name}"::text` : `"${name}"`),
    greatest: 'greatest',
  }),
}

function statements(json: JsonReading): JournalStatements {
  function insert<Entry>(table: string, columns: Columns<Entry>): string {
    const entries = Object.entries<ColumnType>(columns)
    const names = entries.map(([name]) => columnName(name))
    const values = entries.map(([name, type]) => json.value(name, type))
    return `insert into ${table} (${names.join(', ')}) select ${values.join(', ')} from ${json.source(columns)}`
  }
  const prune = (table: string, time: string) => ({
    byCount: `delete from ${table} where seq <= (select max(seq) from ${table}) - ${json.parameter}`,
    // The oldest by number are the oldest by time, near enough, and are found without an index of their own.
    byAge: `delete from ${table} where seq <= (select min(seq) + 10000 from ${table}) and ${time} < ${json.parameter}`,
  })
  const lastUsed: Columns<{ credentialId: string; at: number }> = { credentialId: 'text', at: 'bigint' }
  return {
    insertMessages: insert('messages', messageColumns),
    insertDecisions: insert('decisions', decisionColumns),
    // In the order of the ids: two nodes that locked the same rows in different orders would wait for each other.
    upsertLastUsed: `${insert('last_used', lastUsed)} order by 1
      on conflict (credential_id) do update set at = ${json.greatest}(last_used.at, excluded.at)`,
    prune: { messages: prune('messages', 'ended_at'), decisions: prune('decisions', 'at') },
    pruneLastUsed: `delete from last_used where at <
      (select at from last_used order by at desc limit 1 offset ${json.parameter})`,
  }
}

function columnName(member: string): string {
  return member.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
