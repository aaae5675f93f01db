import type { Worker as ClusterWorker } from 'node:cluster'
import type { WorkerEvents } from '../engine.ts'
import { type Caller, pendingCalls } from './caller.ts'
import type { Call, Reply } from './protocol.ts'
import type { WriterThread } from './thread.ts'

/** The field that tells the store's messages from everybody else's on the same channel. */
interface Tagged<Content> {
  readonly countersignStore: Content
}

function untagged<Content>(message: unknown): Content | undefined {
  if (typeof message !== 'object' || message === null || !('countersignStore' in message)) return undefined
  return (message as Tagged<Content>).countersignStore
}

/** In the primary: passes the calls of worker processes to the thread and its replies back. */
export function relayWorkers(cluster: WorkerEvents, thread: WriterThread): void {
  const workers = new Map<number, ClusterWorker>()
  cluster.on('message', (worker, message) => {
    const request = untagged<{ id: number; call: Call }>(message)
    if (!request) return
    workers.set(worker.id, worker)
    thread.post({ origin: worker.id, ...request })
  })
  thread.onReply(reply => {
    const worker = workers.get(reply.origin)
    // Without a callback, a channel that closes meanwhile would be an uncaught error.
    if (worker?.isConnected()) worker.send({ countersignStore: reply } satisfies Tagged<Reply>, () => {})
  })
  for (const event of ['disconnect', 'exit'] as const) {
    cluster.on(event, (worker: ClusterWorker) => {
      if (workers.delete(worker.id)) thread.post({ gone: worker.id })
    })
  }
}

/** In a worker process: the writer, reached through the primary. */
export function callPrimary(): Caller & { close(): void } {
  const channel = process
  const calls = pendingCalls(
    (id, call) => {
      channel.send?.(
        { countersignStore: { id, call } } satisfies Tagged<unknown>,
        undefined,
        undefined,
        error => {
          if (error) calls.fail('the process that writes the store cannot be reached')
        },
      )
    },
    () => {},
  )
  const receive = (message: unknown) => {
    const reply = untagged<Reply>(message)
    if (reply) calls.settle(reply)
  }
  const lost = () => calls.fail('the process that writes the store is gone')
  channel.on('message', receive)
  channel.once('disconnect', lost)
  if (!channel.connected) lost()
  return {
    call: calls.call,
    close() {
      channel.off('message', receive)
      channel.off('disconnect', lost)
      calls.fail('the store is closed')
    },
  }
}
