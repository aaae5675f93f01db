import type { EntityType } from '../transformation/index.ts'
import type { JobRun } from './job-run.ts'
import type { FindStates } from './known-states.ts'
import { planEntities, statesAhead, unresolvedIn } from './plan.ts'
import { type Sent, sendPlans } from './send.ts'
import type { CommonEntity } from './target.ts'

/** Brings entities of one type into all targets, page by page. */
export interface Pages {
  /** Returns, once they are on their way, those that refer to what is not in a target yet. */
  bring(entities: readonly CommonEntity[], again?: boolean): Promise<readonly CommonEntity[]>
  /** Waits for what is on its way, and notes what came of it: in any case. */
  end(): Promise<void>
}

/** While a page is sent, the next one is planned, and noted in one transaction with what came of the one before. */
export function createPages(run: JobRun, type: EntityType): Pages {
  let onItsWay: { readonly ids: ReadonlySet<string>; readonly sent: Promise<Sent> } | undefined

  async function arrive(): Promise<void> {
    if (!onItsWay) return
    const { sent } = onItsWay
    onItsWay = undefined
    const { states, report } = await sent
    run.known.add(states)
    report()
  }

  const find: FindStates = async (of, ids) => {
    const unknown = of === type && ids.some(id => onItsWay?.ids.has(id))
    if (unknown) await arrive()
    return run.known.find(of, ids)
  }

  return {
    async bring(entities, again) {
      const plans = await planEntities(run, type, entities, find, again)
      await run.checkpoint(statesAhead(plans, type, run.context.now()))
      await arrive()
      const sent = sendPlans(run, type, plans)
      // Its failure is met when it is waited for.
      sent.catch(() => {})
      onItsWay = { ids: new Set(entities.map(({ id }) => id)), sent }
      return unresolvedIn(plans)
    },
    async end() {
      await arrive()
      await run.checkpoint([])
    },
  }
}
