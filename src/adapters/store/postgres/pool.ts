import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type { ClientConfig, Pool, PoolConfig, QueryConfig, QueryResult } from 'pg'
import { second } from '../../../core/context.ts'
import { transactionLimitMs } from '../store.ts'

const int8 = 20

/** A look-up waits no longer: past such a silence nobody can say that a credential still counts (see feed.ts). */
export const readLimitMs = 5 * second
/** A statement of a transaction may have to wait for somebody else's transaction, and then gives up. */
export const writeLimitMs = transactionLimitMs + 5 * second

/**
 * How every connection is made. 64-bit integers (times, counts, sequence numbers) become numbers: for these
 * connections only, since a global parser would reach into every other user of `pg` in the process.
 */
export async function connectionConfig(url: string): Promise<ClientConfig> {
  const { default: pg } = await import('pg')
  return {
    connectionString: url,
    application_name: 'countersign',
    keepAlive: true,
    connectionTimeoutMillis: 5000,
    types: {
      getTypeParser: ((id: number, format?: 'text') =>
        id === int8 ? Number : pg.types.getTypeParser(id, format)) as typeof pg.types.getTypeParser,
    },
  }
}

export async function poolConfig(url: string): Promise<PoolConfig> {
  return {
    ...(await connectionConfig(url)),
    max: 10,
    allowExitOnIdle: true,
    // A node that stands still in the middle of a transaction must not hold up the others.
    idle_in_transaction_session_timeout: transactionLimitMs,
  }
}

/**
 * What is looked up may come from anybody, and PostgreSQL stores no NUL: a text with one is nobody's name, and no
 * mistake of the program either.
 */
export const findable = (value: unknown): unknown =>
  typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value

/**
 * The connections of a pool, for queries that give up after `limitMs`. The driver goes on waiting for the answer it
 * has given up, so that whatever is sent after it would wait too: such a connection ends.
 */
export function limited(
  pool: Pool,
  limitMs: number,
  toSend: (value: unknown) => unknown = value => value,
): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect()
      let silent: Error | undefined
      async function query(text: string, values: unknown[]): Promise<QueryResult> {
        if (silent) throw silent
        const config: QueryConfig & { query_timeout: number } = {
          text,
          values: values.map(toSend),
          query_timeout: limitMs,
        }
        return client.query(config).catch((error: Error) => {
          if (error.message === 'Query read timeout') silent = error
          throw error
        })
      }
      return {
        // Kysely asks for a cursor only where one is configured.
        query: query as unknown as PostgresPoolClient['query'],
        release: destroy => client.release(destroy || silent !== undefined),
      }
    },
  }
}
