import { type Log, second } from '../core/context.ts'
import type { Change, ChangeFeed } from '../core/store.ts'

/** Something that is to be done again after changes of these kinds, by whichever process. */
interface Due {
  readonly after?: readonly Change['kind'][]
}

/** It may take one part in so many of the time, however fast the changes come. */
const restFactor = 20

/**
 * Hands those that changes have made due to `run`, within a second or two. Listens to the store for as long as the
 * process lives; what is returned stops asking it.
 */
export function runAfterChanges<Task extends Due>(
  changes: ChangeFeed,
  tasks: readonly Task[],
  run: (due: readonly Task[]) => Promise<void>,
  log: Log,
): NodeJS.Timeout {
  const due = new Set<Task>()
  changes.onChange(change => {
    for (const task of tasks) if (task.after && (!change || task.after.includes(change.kind))) due.add(task)
  })
  let restUntil = 0

  async function runDue(): Promise<void> {
    changes.upToDate()
    const begun = performance.now()
    if (due.size === 0 || begun < restUntil) return
    restUntil = Number.POSITIVE_INFINITY
    const now = [...due]
    due.clear()
    try {
      await run(now)
    } finally {
      const end = performance.now()
      restUntil = end + restFactor * (end - begun)
    }
  }
  const ask = () =>
    runDue().catch((error: Error) => log.warn({ error: error.message }, 'changes cannot be followed up'))
  return setInterval(ask, second).unref()
}
