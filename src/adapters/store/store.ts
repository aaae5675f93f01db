import { isProblem, type Problem } from '../../core/problem.ts'
import type { Transactions } from '../../core/store.ts'
import type { Tables } from '../../core/tables/index.ts'
import { recordChanges } from './changes.ts'
import type { Engine } from './engine.ts'
import { StoreClosed } from './errors.ts'
import { tablesOn } from './tables/index.ts'
import { readScope, writeScope } from './tables/scope.ts'

/** The longest that one transaction may hold up the others; after that it is rolled back. */
export const transactionLimitMs = 30_000

export interface StoreTransactions extends Transactions<Tables> {
  /** Waits for the transactions that were asked for; those asked for later are refused. */
  finish(): Promise<void>
}

/** Transactions, the same on every engine. */
export function createTransactions(engine: Engine, keepChanges: number): StoreTransactions {
  // One at a time within the process too. Were every connection of a pool waiting for its turn, a read inside the
  // transaction whose turn it is would find none.
  let queue: Promise<unknown> = Promise.resolve()
  let finished = false

  async function transact<Result>(work: (tables: Tables) => Promise<Result>): Promise<Result> {
    const { result, changes } = await engine.writer.transaction().execute(async transaction => {
      await engine.enter(transaction)
      const scope = writeScope(transaction, engine)
      const result = await withinLimit(work(tablesOn(scope))).finally(scope.end)
      if (isProblem(result)) throw new Refused(result)
      if (scope.changes.length > 0) {
        await recordChanges(transaction, scope.changes, keepChanges)
        await engine.announce(transaction)
      }
      return { result, changes: scope.changes }
    })
    if (changes.length > 0) await engine.feed.catchUp(changes)
    return result
  }

  return {
    read: tablesOn(readScope(engine.reader, engine)),
    write<Result>(work: (tables: Tables) => Promise<Result>): Promise<Result> {
      if (finished) return Promise.reject(new StoreClosed('the store is closed'))
      const turn = queue.then(() => transact(work)).catch(refusalAsValue<Result>)
      queue = turn.catch(() => {})
      return turn
    },
    async finish() {
      finished = true
      await queue
    },
  }
}

/** Carries a refusal through the driver, which rolls back when something is thrown. */
class Refused extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.code)
    this.problem = problem
  }
}

function refusalAsValue<Result>(error: unknown): Result {
  if (error instanceof Refused) return error.problem as Result
  throw error
}

async function withinLimit<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new Error(`a transaction took longer than ${transactionLimitMs / 1000} s and was rolled back`),
        ),
      transactionLimitMs,
    )
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}
