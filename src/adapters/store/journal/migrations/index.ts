import type { MigrationSet } from '../../migrate.ts'

/** The schema of the journal, in order: in a file of its own on SQLite, beside the store on PostgreSQL. */
export const journalMigrations: MigrationSet = {
  table: 'journal_migration',
  steps: {
    '0001-initial': () => import('./0001-initial.ts'),
    '0002-message-groups': () => import('./0002-message-groups.ts'),
    '0003-one-time-ids': () => import('./0003-one-time-ids.ts'),
  },
}
