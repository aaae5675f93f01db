/**
 * Lets few run at once. The others wait, a few of each source, and sources take turns: one that sends much waits for
 * itself.
 */
export interface Gate {
  /** Runs `work` when it is its turn; resolves with `full` at once where its source has too much waiting already. */
  run<Result>(source: string, work: () => Promise<Result>): Promise<Result | 'full'>
}

export interface GateLimits {
  readonly atOnce: number
  /** That may wait, of one source and of all. */
  readonly waitingOfSource: number
  readonly waiting: number
}

export function createGate({ atOnce, waitingOfSource, waiting }: GateLimits): Gate {
  // The order of the map is the order of the turns.
  const queues = new Map<string, (() => void)[]>()
  let running = 0
  let queued = 0

  /** Hands the place over, so that nobody slips in between; else gives it up. */
  function next(): void {
    const [first] = queues
    if (!first) {
      running--
      return
    }
    const [source, queue] = first
    const start = queue.shift()!
    queued--
    queues.delete(source)
    if (queue.length > 0) queues.set(source, queue)
    start()
  }

  return {
    async run(source, work) {
      if (running < atOnce) running++
      else {
        const queue = queues.get(source) ?? []
        if (queue.length >= waitingOfSource || queued >= waiting) return 'full'
        queues.set(source, queue)
        queued++
        await new Promise<void>(resolve => queue.push(resolve))
      }
      try {
        return await work()
      } finally {
        next()
      }
    },
  }
}
