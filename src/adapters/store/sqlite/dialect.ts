import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Caller } from './caller.ts'
import type { Call } from './protocol.ts'

/** Kysely on the writer: what differs from its own SQLite dialect is only where the statements run. */
export function writerDialect(writer: Caller): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => writerDriver(writer),
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

interface WriterConnection extends DatabaseConnection {
  readonly transaction: string
}

function writerDriver(writer: Caller): Driver {
  let count = 0
  const transactionCall =
    (name: 'begin' | 'commit' | 'rollback') => async (connection: DatabaseConnection) => {
      await writer.call({ do: name, transaction: (connection as WriterConnection).transaction })
    }
  return {
    async init() {},
    async acquireConnection() {
      return writerConnection(writer, String(++count))
    },
    beginTransaction: transactionCall('begin'),
    commitTransaction: transactionCall('commit'),
    rollbackTransaction: transactionCall('rollback'),
    async releaseConnection() {},
    async destroy() {},
  }
}

function writerConnection(writer: Caller, transaction: string): WriterConnection {
  return {
    transaction,
    async executeQuery({ sql, parameters }) {
      const call: Call = { do: 'execute', transaction, sql, parameters: parameters.map(detached) }
      const { rows = [], changes } = await writer.call(call)
      return {
        rows: rows.map(withBuffers) as never[],
        ...(changes !== undefined && { numAffectedRows: BigInt(changes) }),
      }
    },
    // biome-ignore lint/correctness/useYield: the interface wants a generator, and nothing here streams
    async *streamQuery() {
      throw new Error('the writer does not stream')
    },
  }
}

/** A Buffer is a window into a shared pool, and the whole pool would be sent with it. */
function detached(value: unknown): unknown {
  return Buffer.isBuffer(value) ? Uint8Array.from(value) : value
}

/** Threads pass a Buffer as the Uint8Array that it is. */
function withBuffers(row: Record<string, unknown>): Record<string, unknown> {
  for (const [name, value] of Object.entries(row)) {
    if (value instanceof Uint8Array) row[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }
  return row
}
