/**
 * How the core reaches its tables. Each area states the tables that it needs; one adapter has them all.
 *
 * `read` shows committed state, never older than what this machine has acknowledged.
 * `write` runs one transaction. Transactions run one after the other on every engine, so a rule that was checked
 * inside (a limit, a unique name) still holds at commit. It resolves once the commit has reached the disk. When
 * `work` throws, or returns a Problem, nothing is kept.
 */
export interface Transactions<Tables> {
  readonly read: Tables
  write<Result>(work: (tables: Tables) => Promise<Result>): Promise<Result>
}

/** What was changed by a committed transaction; told to every process of every node. */
export interface Change {
  readonly kind:
    | 'tenant'
    | 'tenant-key'
    | 'role'
    | 'instance'
    | 'credential'
    | 'revocation'
    | 'flow'
    | 'inner-key'
    | 'authority'
    | 'trust'
    | 'keystore'
    | 'material'
    | 'provisioning'
    | 'identity'
  readonly tenantId: string
  readonly id: string
  /** A fact that spares the listener a query: the client id of a credential, the expiry of a revocation. */
  readonly detail?: string | undefined
}

/**
 * How a process learns what others committed (design: on one machine before the next request, on PostgreSQL
 * within one second).
 */
export interface ChangeFeed {
  /**
   * Brings this process up to date, synchronously, and tells whether it is: false means that the database has
   * not been heard for too long, and that no credential's status can be vouched for. Cheap when nothing changed.
   */
  upToDate(): boolean
  /** Calls `listener` for every change, in commit order; with undefined when changes may have been missed. */
  onChange(listener: (change: Change | undefined) => void): void
}
