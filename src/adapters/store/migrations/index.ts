import type { MigrationSet } from '../migrate.ts'

/** The schema of the store, in order. A new version is a new file and a line here. */
export const storeMigrations: MigrationSet = {
  table: 'kysely_migration',
  steps: {
    '0001-initial': () => import('./0001-initial.ts'),
    '0002-certificates': () => import('./0002-certificates.ts'),
  },
}
