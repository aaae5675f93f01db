import { Worker } from 'node:worker_threads'
import type { Log } from '../../../core/context.ts'
import { messageOf } from '../errors.ts'
import { type Caller, errorOf, pendingCalls } from './caller.ts'
import type { Origin, Reply, Started, ToWriter, WriterData } from './protocol.ts'

/** The writer thread, as its own process sees it. */
export interface WriterThread extends Caller {
  /** Moves with every commit, before anybody hears of it. */
  commits(): number
  /** For the relay: passes a message of another process on. */
  post(message: ToWriter): void
  /** For the relay: gets the replies to other processes. */
  onReply(listener: (reply: Reply) => void): void
  /** Resolves when the files are closed and the thread has ended. */
  close(): Promise<void>
}

const own: Origin = 0

/** Starts the thread; resolves when it holds the data directory and the schema is up to date. */
export async function startWriter(options: Omit<WriterData, 'commits'>, log: Log): Promise<WriterThread> {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  const commits = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const workerData: WriterData = { ...options, commits }
  const thread = new Worker(new URL(`./writer${extension}`, import.meta.url), { workerData })
  const post = (message: ToWriter) => thread.postMessage(message)
  const calls = pendingCalls(
    (id, call) => post({ origin: own, id, call }),
    // An idle store does not keep the process alive, an unanswered call does.
    busy => (busy ? thread.ref() : thread.unref()),
  )
  const others: ((reply: Reply) => void)[] = []
  const ended = new Promise<void>(resolve => thread.once('exit', () => resolve()))
  let closing = false

  await new Promise<void>((resolve, reject) => {
    thread.once('message', (started: Started) => {
      if ('failed' in started) reject(errorOf(started.failed))
      else resolve()
    })
    thread.once('error', reject)
  })
  thread.unref()
  thread.on('error', error => log.error({ error: messageOf(error) }, 'the writer of the store failed'))
  thread.on('exit', () => {
    if (!closing)
      log.error({}, 'the writer of the store has stopped; nothing can be written until the next start')
    calls.fail('the writer of the store has stopped')
  })
  thread.on('message', (reply: Reply) => {
    if (reply.origin === own) calls.settle(reply)
    else for (const listener of others) listener(reply)
  })

  return {
    commits: () => Atomics.load(commits, 0),
    call: calls.call,
    post,
    onReply: listener => void others.push(listener),
    async close() {
      closing = true
      thread.ref()
      await calls.call({ do: 'close' }).catch(() => {})
      await ended
    },
  }
}
