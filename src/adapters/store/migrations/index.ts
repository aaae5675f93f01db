import type { MigrationSet } from '../migrate.ts'

/** The schema of the store, in order. A new version is a new file and a line here. */
export const storeMigrations: MigrationSet = {
  table: 'kysely_migration',
  steps: {
    '0001-initial': () => import('./0001-initial.ts'),
    '0002-certificates': () => import('./0002-certificates.ts'),
    '0003-assertions': () => import('./0003-assertions.ts'),
    '0004-platforms': () => import('./0004-platforms.ts'),
    '0005-registered-clients': () => import('./0005-registered-clients.ts'),
    '0006-applications': () => import('./0006-applications.ts'),
    '0007-application-replay': () => import('./0007-application-replay.ts'),
    '0008-keystore': () => import('./0008-keystore.ts'),
    '0009-security-material': () => import('./0009-security-material.ts'),
    '0010-provisioning': () => import('./0010-provisioning.ts'),
    '0011-identity': () => import('./0011-identity.ts'),
    '0012-provisioning-intents': () => import('./0012-provisioning-intents.ts'),
  },
}
