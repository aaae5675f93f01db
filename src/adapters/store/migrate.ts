import type { Kysely } from 'kysely'
import { SchemaTooNew } from './errors.ts'
import type { Facts } from './facts.ts'

/** The steps of one schema, by name; each is loaded only when it has to run. */
export interface MigrationSet {
  /** Remembers which steps have run. */
  readonly table: string
  readonly steps: Readonly<Record<string, () => Promise<MigrationStep>>>
}

interface MigrationStep {
  up(db: Kysely<unknown>, facts: Facts): Promise<void>
}

/** Is there a step that has not run? Throws SchemaTooNew when one has run that this program does not know. */
export function isPending(set: MigrationSet, executed: readonly string[]): boolean {
  const unknown = executed.filter(name => !Object.hasOwn(set.steps, name))
  if (unknown.length > 0) {
    throw new SchemaTooNew(
      `the store was written by a newer Countersign (schema ${unknown.join(', ')}); start that version or a later one`,
    )
  }
  return executed.length < Object.keys(set.steps).length
}

/** Runs the steps that have not run. The caller sees to it that all of it happens or nothing. */
export async function migrate(db: Kysely<unknown>, set: MigrationSet, facts: Facts): Promise<void> {
  const { Migrator } = await import('kysely/migration')
  const loaded = await Promise.all(
    Object.entries(set.steps).map(async ([name, load]) => [name, await load()] as const),
  )
  const steps = loaded.map(
    ([name, step]) => [name, { up: (on: Kysely<unknown>) => step.up(on, facts) }] as const,
  )
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => Object.fromEntries(steps) },
    migrationTableName: set.table,
    migrationLockTableName: `${set.table}_lock`,
  })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}
