import { type RawBuilder, sql } from 'kysely'

/** Everything in which the two engines differ as far as the schema is concerned. */
export interface Facts {
  /** Compared and ordered by code point, whatever the locale of the database. */
  readonly text: RawBuilder<unknown>
  readonly bytes: RawBuilder<unknown>
  readonly integer: RawBuilder<unknown>
  /** Milliseconds, sequence numbers: more than 32 bits. */
  readonly long: RawBuilder<unknown>
  /** A primary key that the engine counts up and never gives twice. */
  readonly counted: RawBuilder<unknown>
  /** Ends a table whose rows are kept in its primary key, where the engine can: one tree to change instead of two. */
  readonly clustered: RawBuilder<unknown>
}

export const facts = {
  sqlite: {
    text: sql`text`,
    bytes: sql`blob`,
    integer: sql`integer`,
    long: sql`integer`,
    counted: sql`integer primary key autoincrement`,
    clustered: sql`without rowid`,
  },
  postgres: {
    text: sql`text collate "C"`,
    bytes: sql`bytea`,
    integer: sql`integer`,
    long: sql`bigint`,
    counted: sql`bigint generated always as identity primary key`,
    clustered: sql``,
  },
} satisfies Record<string, Facts>
