/** Another server works on the same data directory; two would overwrite each other. */
export class StoreInUse extends Error {
  override name = 'StoreInUse'
}

/** A newer program has migrated this store; this one does not know what the new columns mean. */
export class SchemaTooNew extends Error {
  override name = 'SchemaTooNew'
}

/** The writer of the store has stopped, or the store was closed. Nothing more can be written through it. */
export class StoreClosed extends Error {
  override name = 'StoreClosed'
}

/**
 * What a log line may say of an error. Never the error itself: drivers hang whole connections on it, with the keys
 * that they hold.
 */
export function messageOf(error: unknown): string | undefined {
  return error === undefined ? undefined : error instanceof Error ? error.message : String(error)
}
