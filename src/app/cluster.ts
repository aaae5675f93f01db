import cluster, { type Worker } from 'node:cluster'
import type { FailureCounter } from '../core/clients/index.ts'

/**
 * What the processes of one machine tell each other beside the store: failed authentications, so that back-off
 * counts them together, metrics, so that any of them can show the page of all, and when to stop.
 */
type Message =
  | { countersign: 'failures'; counts: [key: string, count: number][] }
  | { countersign: 'metrics?'; id: number; from?: number }
  | { countersign: 'metrics'; id: number; to?: number; values: object }
  | { countersign: 'metrics of all'; id: number; values: object[] }
  | { countersign: 'stop' }
  | { countersign: 'finished' }

const isMessage = (message: unknown): message is Message =>
  typeof message === 'object' && message !== null && 'countersign' in message

/** Failures are told in groups. */
const tellEveryMs = 100
const metricsTimeoutMs = 2000

/** A worker's side. */
export interface WorkerBus {
  failed(key: string): void
  /** The metrics of all processes, this one's among them. */
  collectMetrics(): Promise<object[]>
  /** After `stop`: all that was accepted is done. The primary lets go of the worker, which ends it. */
  finished(): void
}

export function joinAsWorker(own: {
  failures: () => FailureCounter | undefined
  metrics: () => Promise<object>
  now: () => number
  /** Asks the worker to finish what it accepted and to turn away everything new. Called once. */
  stop: () => void
}): WorkerBus {
  const send = (message: Message) => process.send?.(message)
  let counts = new Map<string, number>()
  let telling = false
  const asked = new Map<number, (values: object[]) => void>()
  let lastId = 0

  process.on('message', async (message: unknown) => {
    if (!isMessage(message)) return
    if (message.countersign === 'failures')
      for (const [key, count] of message.counts) own.failures()?.add(key, count, own.now())
    else if (message.countersign === 'metrics?')
      send({ countersign: 'metrics', id: message.id, values: await own.metrics() })
    else if (message.countersign === 'metrics of all') asked.get(message.id)?.(message.values)
    else if (message.countersign === 'stop') own.stop()
  })

  return {
    failed(key) {
      counts.set(key, (counts.get(key) ?? 0) + 1)
      if (telling) return
      telling = true
      setTimeout(() => {
        send({ countersign: 'failures', counts: [...counts] })
        counts = new Map()
        telling = false
      }, tellEveryMs).unref()
    },
    async collectMetrics() {
      const id = ++lastId
      const values = await new Promise<object[] | undefined>(resolve => {
        asked.set(id, resolve)
        setTimeout(() => resolve(undefined), metricsTimeoutMs).unref()
        send({ countersign: 'metrics?', id })
      })
      asked.delete(id)
      return values ?? [await own.metrics()]
    },
    finished: () => send({ countersign: 'finished' }),
  }
}

/** The primary's side. */
export interface Workers {
  /** Lets the workers finish what they accepted. Resolves when all of them have ended. */
  stop(): Promise<void>
}

/** Passes on what the workers say. */
export function serveWorkers(own: { metrics: () => Promise<object> }): Workers {
  let lastId = 0
  const collecting = new Map<number, (values: object) => void>()

  const workers = () => Object.values(cluster.workers ?? {}).filter(w => w?.isConnected()) as Worker[]

  /**
   * This process accepts the connections and hands them to the workers. One that is on its way to a worker that has
   * closed its server, or has ended, comes back to nobody and would stay open, silent, for as long as this process
   * lives. So no worker closes or ends by itself: each keeps taking connections, to turn them away, until the last
   * one has finished. Then disconnect() closes the ports here first and the servers of the workers after that.
   */
  async function stop(): Promise<void> {
    const all = workers()
    const ended = Promise.all(all.map(worker => new Promise(resolve => worker.once('exit', resolve))))
    const finished = all.map(
      worker =>
        new Promise<void>(resolve => {
          worker.once('exit', () => resolve())
          worker.on('message', (message: unknown) => {
            if (isMessage(message) && message.countersign === 'finished') resolve()
          })
        }),
    )
    for (const worker of all) worker.send({ countersign: 'stop' })
    await Promise.all(finished)
    for (const worker of all) if (worker.isConnected()) worker.disconnect()
    await ended
  }

  async function collect(): Promise<object[]> {
    const answers = workers().map(
      worker =>
        new Promise<object | undefined>(resolve => {
          const id = ++lastId
          collecting.set(id, resolve)
          setTimeout(() => {
            collecting.delete(id)
            resolve(undefined)
          }, metricsTimeoutMs / 2).unref()
          worker.send({ countersign: 'metrics?', id })
        }),
    )
    const values = await Promise.all([own.metrics(), ...answers])
    return values.filter(value => value !== undefined)
  }

  cluster.on('message', async (worker, message: unknown) => {
    if (!isMessage(message)) return
    if (message.countersign === 'failures') {
      for (const other of workers()) if (other !== worker) other.send(message)
    } else if (message.countersign === 'metrics') {
      collecting.get(message.id)?.(message.values)
      collecting.delete(message.id)
    } else if (message.countersign === 'metrics?')
      worker.send({ countersign: 'metrics of all', id: message.id, values: await collect() })
  })
  return { stop }
}
