import type { ClientConfig, PoolConfig } from 'pg'
import { transactionLimitMs } from '../store.ts'

const int8 = 20

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
    // A query may have to wait for somebody else's transaction, and then gives up.
    query_timeout: transactionLimitMs + 5000,
  }
}
