import type { Origin } from './protocol.ts'

/** Whose transaction is open, and who waits. */
export interface Turns {
  /** Resolves when the transaction is open. */
  take(origin: Origin, transaction: string): Promise<void>
  /** Throws unless the transaction is the open one. */
  check(origin: Origin, transaction: string): void
  /** The open transaction has ended; the next one begins. */
  pass(): void
  /** Rolls the transaction back if it is open, forgets it if it waits; else does nothing. */
  drop(origin: Origin, transaction: string): void
  /** The same for everything that a process has asked for. */
  dropAll(origin: Origin): void
  /** Rolls back what is open and refuses what waits. */
  stop(): void
}

interface Turn {
  readonly origin: Origin
  readonly transaction: string
  begun(): void
  refused(error: unknown): void
}

export function createTurns(options: { begin(): void; rollback(): void; limitMs: number }): Turns {
  let waiting: Turn[] = []
  let open: Turn | undefined
  let timer: NodeJS.Timeout | undefined

  const is = (turn: Turn, origin: Origin, transaction: string) =>
    turn.origin === origin && turn.transaction === transaction

  function next(): void {
    while (!open) {
      const turn = waiting.shift()
      if (!turn) return
      try {
        options.begin()
      } catch (error) {
        turn.refused(error)
        continue
      }
      open = turn
      timer = setTimeout(rollback, options.limitMs)
      turn.begun()
    }
  }
  function pass(): void {
    clearTimeout(timer)
    open = undefined
    next()
  }
  function rollback(): void {
    try {
      options.rollback()
    } finally {
      pass()
    }
  }
  function forget(mine: (turn: Turn) => boolean): void {
    const gone = waiting.filter(mine)
    waiting = waiting.filter(turn => !mine(turn))
    for (const turn of gone) turn.refused(new Error('the transaction was given up before it began'))
    if (open && mine(open)) rollback()
  }

  return {
    take: (origin, transaction) =>
      new Promise((begun, refused) => {
        waiting.push({ origin, transaction, begun, refused })
        next()
      }),
    check(origin, transaction) {
      if (open && is(open, origin, transaction)) return
      throw new Error('the transaction is not open: it has ended, or held the writer for too long')
    },
    pass,
    drop: (origin, transaction) => forget(turn => is(turn, origin, transaction)),
    dropAll: origin => forget(turn => turn.origin === origin),
    stop: () => forget(() => true),
  }
}
