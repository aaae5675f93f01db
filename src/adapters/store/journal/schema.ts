import type { Generated } from 'kysely'
import type { DecisionRecord } from '../../../core/explain/decision.ts'

export type ColumnType = 'text' | 'integer' | 'bigint' | 'json'

/** The members of an entry and how each is stored; its column is the same name in snake_case. */
export type Columns<Entry> = Readonly<Record<keyof Entry & string, ColumnType>>

export const decisionColumns: Columns<DecisionRecord> = {
  id: 'text',
  tenantId: 'text',
  at: 'bigint',
  callerCorrelationId: 'text',
  surface: 'text',
  method: 'text',
  path: 'text',
  source: 'text',
  listener: 'text',
  status: 'integer',
  code: 'text',
  reason: 'text',
  hint: 'text',
  clientId: 'text',
  credentialId: 'text',
  checks: 'json',
}

export interface JournalSchema {
  messageGroups: {
    seq: Generated<number>
    tenantId: string
    flowId: string
    newestAt: number
    size: number
    /** JSON array of messages. */
    entries: string
  }
  decisions: Row<DecisionRecord>
  lastUsed: { credentialId: string; at: number }
}

type Row<Entry> = { seq: Generated<number> } & { [Name in keyof Entry]: Column<Entry[Name]> }

type Column<Type> = undefined extends Type
  ? Exclude<Type, undefined> | null
  : Type extends readonly unknown[]
    ? string
    : Type

/** Reads an entry back from its row. */
export function entryOf<Entry>(row: Record<string, unknown>, columns: Columns<Entry>): Entry {
  const members = Object.entries<ColumnType>(columns).map(([name, type]) => {
    const value = row[name] ?? undefined
    return [name, type === 'json' ? JSON.parse(value as string) : value]
  })
  return Object.fromEntries(members)
}
