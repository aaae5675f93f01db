import type { OneTimeIds } from '../../../core/clients/index.ts'
import { type Log, minute } from '../../../core/context.ts'
import { messageOf } from '../errors.ts'
import type { JournalEngine, OneTimeId } from './engine.ts'

interface Waiting extends OneTimeId {
  readonly resolve: (isFirst: boolean) => void
  readonly reject: (error: unknown) => void
}

/** As many in one statement; a request waits for one group before its own. */
const largestGroup = 1000
const pruneEvery = 1000
const pruneEveryMs = minute

/**
 * Ids that count once, in the store. What comes while a group is being written goes into the next one: one commit
 * serves many requests. What is past its time goes as fast as others come.
 */
export function createOneTimeIds(
  { claimIds, write, statements }: Pick<JournalEngine, 'claimIds' | 'write' | 'statements'>,
  { log, now }: { log: Log; now(): number },
): OneTimeIds {
  let waiting: Waiting[] = []
  let busy = false
  let sincePruned = 0
  let prunedAt = now()

  /** At the end of a turn of the event loop: what all requests of the turn claim goes together. */
  function writeSoon(): void {
    if (busy || waiting.length === 0) return
    busy = true
    setImmediate(writeGroup)
  }

  async function writeGroup(): Promise<void> {
    const group = waiting.slice(0, largestGroup)
    waiting = waiting.slice(largestGroup)
    await settle(group)
    sincePruned += group.length
    if (sincePruned >= pruneEvery || Math.abs(now() - prunedAt) >= pruneEveryMs) await prune()
    busy = false
    writeSoon()
  }

  /** Of those in one group that claim the same id, the first may have it; it is kept as long as any of them asks. */
  async function settle(group: readonly Waiting[]): Promise<void> {
    try {
      const wanted = new Map<string, OneTimeId>()
      for (const { id, keepUntil } of group)
        wanted.set(id, { id, keepUntil: Math.max(keepUntil, wanted.get(id)?.keepUntil ?? keepUntil) })
      const taken = new Set(await claimIds([...wanted.values()]))
      for (const { id, resolve } of group) {
        resolve(!taken.has(id))
        taken.add(id)
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  async function prune(): Promise<void> {
    const limit = 2 * sincePruned + pruneEvery
    sincePruned = 0
    prunedAt = now()
    try {
      await write([{ sql: statements.pruneOneTimeIds, parameters: [prunedAt, limit] }])
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'old one-time ids could not be deleted')
    }
  }

  return {
    claim: (id, keepUntil) =>
      new Promise((resolve, reject) => {
        waiting.push({ id, keepUntil, resolve, reject })
        writeSoon()
      }),
  }
}
