import type { EntityType } from '../transformation/index.ts'

/** What came of the entities of one type in one system. */
export interface Statistics {
  readonly system: string
  readonly action: 'Read' | 'Write'
  readonly entityType: EntityType
  readonly read: number
  readonly created: number
  readonly updated: number
  readonly deleted: number
  /** Left as they are: not wanted, or nothing has changed. */
  readonly skipped: number
  readonly failed: number
}

export type Count = 'read' | 'created' | 'updated' | 'deleted' | 'skipped' | 'failed'

type Counts = { -readonly [Name in keyof Statistics]: Statistics[Name] }

/** Counts by system, action and type; begins with what an earlier attempt has counted. */
export function createCounter(before: readonly Statistics[]) {
  const rows: Counts[] = before.map(row => ({ ...row }))
  return {
    /** Makes the line, so that a type of which there was nothing shows as 0. */
    line(system: string, action: Statistics['action'], entityType: EntityType): void {
      rowOf(system, action, entityType)
    },
    add(system: string, action: Statistics['action'], entityType: EntityType, what: Count, by = 1): void {
      rowOf(system, action, entityType)[what] += by
    },
    of: (system: string, action: Statistics['action'], entityType: EntityType): Statistics =>
      rowOf(system, action, entityType),
    list: (): Statistics[] => rows.map(row => ({ ...row })),
    failed: (): number => rows.reduce((sum, row) => sum + row.failed, 0),
  }

  function rowOf(system: string, action: Statistics['action'], entityType: EntityType): Counts {
    const known = rows.find(
      row => row.system === system && row.action === action && row.entityType === entityType,
    )
    if (known) return known
    const none = { read: 0, created: 0, updated: 0, deleted: 0, skipped: 0, failed: 0 }
    const row: Counts = { system, action, entityType, ...none }
    rows.push(row)
    return row
  }
}

export type Counter = ReturnType<typeof createCounter>
