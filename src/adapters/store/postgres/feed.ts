import type { Client } from 'pg'
import { type Log, second } from '../../../core/context.ts'
import { createListeners } from '../changes.ts'
import type { EngineFeed } from '../engine.ts'
import { messageOf } from '../errors.ts'
import type { ChangeRow } from '../schema.ts'
import { connectionConfig } from './pool.ts'

export const channel = 'countersign_changes'

const pollEveryMs = 500
/** Past this silence nobody can say that a credential still counts (design 3.8). */
const silenceLimitMs = 5 * second
const answerLimitMs = 4 * second
const retryMs = { first: 100, most: 2000 }
const rowsPerPoll = 1000

const newerChanges = {
  name: 'newer_changes',
  text: 'select seq, kind, tenant_id as "tenantId", id, detail from changes where seq > $1 order by seq limit $2',
}

export interface PostgresFeed extends EngineFeed {
  close(): Promise<void>
}

/** Listens on a connection of its own, and asks now and then in case a notification was lost. */
export async function postgresFeed(options: { url: string; log: Log; now(): number }): Promise<PostgresFeed> {
  const { log, now } = options
  const { default: pg } = await import('pg')
  const config = {
    ...(await connectionConfig(options.url)),
    application_name: 'countersign changes',
    query_timeout: answerLimitMs,
  }

  let client: Client | undefined
  let closed = false
  let heardAt = 0
  let delay = retryMs.first
  let reconnecting: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const connection = new pg.Client(config)
    connection.on('error', error => lose(connection, error))
    connection.on('end', () => lose(connection))
    connection.on('notification', () => void poll())
    await connection.connect()
    await connection.query(`listen ${channel}`)
    if (closed) return connection.end()
    client = connection
  }

  function lose(connection: Client, error?: unknown): void {
    if (closed || client !== connection) return
    client = undefined
    log.warn({ error: messageOf(error) }, 'the connection that hears of changes in the database is lost')
    reconnect()
  }

  function reconnect(): void {
    if (closed || reconnecting) return
    reconnecting = setTimeout(async () => {
      reconnecting = undefined
      try {
        await connect()
        await poll()
        delay = retryMs.first
        if (client) log.info({}, 'changes in the database are heard again')
      } catch (error) {
        log.debug({ error: messageOf(error) }, 'the database does not answer yet')
        reconnect()
      }
    }, delay).unref()
    delay = Math.min(2 * delay, retryMs.most)
  }

  await connect()
  const listeners = createListeners(await currentChange(client!), log)
  heardAt = now()

  /** Tells what is new; true when the database has answered. */
  async function read(): Promise<boolean> {
    for (;;) {
      const connection = client
      if (!connection) return false
      // What is heard was true at some time after the question.
      const askedAt = now()
      try {
        const { rows } = await connection.query<ChangeRow>(newerChanges, [listeners.last, rowsPerPoll])
        heardAt = askedAt
        listeners.tell(rows)
        if (rows.length < rowsPerPoll) return true
      } catch (error) {
        // Whatever state it is in: a new one is made.
        lose(connection, error)
        connection.end().catch(() => {})
        return false
      }
    }
  }

  let running: Promise<boolean> | undefined
  let next: Promise<boolean> | undefined
  /** Reads once, beginning after this call: what was committed before it has then been told. */
  function poll(): Promise<boolean> {
    if (running) {
      next ??= running.then(() => {
        next = undefined
        return poll()
      })
      return next
    }
    running = read().finally(() => {
      running = undefined
    })
    return running
  }

  const timer = setInterval(() => void poll(), pollEveryMs).unref()

  return {
    upToDate() {
      const silence = now() - heardAt
      // A clock that was set back says nothing about how long the silence was.
      return silence >= 0 && silence <= silenceLimitMs
    },
    onChange: listeners.onChange,
    async catchUp(own) {
      // The commit counts whether or not the other connection works; told again when it does.
      if (!(await poll())) listeners.tellEarly(own)
    },
    async close() {
      closed = true
      clearInterval(timer)
      clearTimeout(reconnecting)
      await running
      await client?.end().catch(() => {})
    },
  }
}

/** The number of the last change so far. Ends the connection when that cannot be had. */
async function currentChange(connection: Client): Promise<number> {
  try {
    const { rows } = await connection.query<{ last: number }>('select last from change_counter where id = 1')
    return rows[0]!.last
  } catch (error) {
    connection.removeAllListeners('end')
    await connection.end().catch(() => {})
    throw error
  }
}
