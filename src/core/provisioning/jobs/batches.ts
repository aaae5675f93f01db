import type { Intent } from '../store.ts'
import type { EntityType } from '../transformation/index.ts'
import type { JobRun } from './job-run.ts'
import type { Known } from './known-states.ts'
import { intentsOf, planEntities, unresolvedIn } from './plan.ts'
import { type Sent, sendPlans } from './send.ts'
import type { CommonEntity } from './target.ts'

/** Brings entities of one type into all targets, batch by batch. */
export interface Batches {
  /** Returns, once they are on their way, those that refer to what is not in a target yet. */
  bring(entities: readonly CommonEntity[], again?: boolean): Promise<readonly CommonEntity[]>
  /** Waits for what is on its way, and notes what came of it: in any case. */
  end(): Promise<void>
}

interface UnderWay {
  readonly ids: ReadonlySet<string>
  readonly intents: readonly Intent[]
  readonly sent: Promise<Sent>
}

/** While a batch is sent, the next one is planned, and noted in one transaction with what came of the one before. */
export function createBatches(run: JobRun, type: EntityType): Batches {
  let onItsWay: UnderWay | undefined

  async function arrive(): Promise<void> {
    if (!onItsWay) return
    const { states, report } = await onItsWay.sent
    // Not where it failed: then its intents stay, and whoever comes next looks after them.
    onItsWay = undefined
    run.known.add(states)
    report()
  }

  async function arrived(of: EntityType, ids: readonly string[]): Promise<void> {
    if (of === type && ids.some(id => onItsWay?.ids.has(id))) await arrive()
  }

  /** Also of those who are on their way. */
  const known: Known = {
    async find(of, ids) {
      await arrived(of, ids)
      return run.known.find(of, ids)
    },
    async idsIn(targetId, of, ids) {
      await arrived(of, ids)
      return run.known.idsIn(targetId, of, ids)
    },
  }

  return {
    async bring(entities, again) {
      const plans = await planEntities(run, type, entities, known, again)
      const intents = intentsOf(plans, type, run.context.now())
      await run.checkpoint(
        plans.flatMap(({ states }) => states),
        tables => tables.entities.putIntents(run.source.id, [...(onItsWay?.intents ?? []), ...intents]),
      )
      await arrive()
      const sent = sendPlans(run, type, plans)
      // Its failure is met when it is waited for.
      sent.catch(() => {})
      onItsWay = { ids: new Set(entities.map(({ id }) => id)), intents, sent }
      return unresolvedIn(plans)
    },
    async end() {
      await arrive()
      await run.checkpoint([], tables => tables.entities.putIntents(run.source.id, []))
    },
  }
}
