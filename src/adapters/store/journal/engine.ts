import type { Kysely } from 'kysely'
import type { JournalSchema } from './schema.ts'
import type { GroupStatement, JournalStatements } from './statements.ts'

/** What the journal needs of an engine. */
export interface JournalEngine {
  readonly reader: Kysely<JournalSchema>
  readonly statements: JournalStatements
  /** Runs the statements in one transaction, which need not have reached the disk. */
  write(statements: readonly GroupWrite[]): Promise<void>
  /** Writes ids, each at most once in a group, and tells which of them were there already. Resolves once they are committed. */
  claimIds(ids: readonly OneTimeId[]): Promise<readonly string[]>
}

export type GroupWrite = GroupStatement & { readonly parameters: readonly unknown[] }

export interface OneTimeId {
  readonly id: string
  readonly keepUntil: number
}
