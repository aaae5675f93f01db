import { SystemFailure } from '../failure.ts'
import { wrongId } from '../ids.ts'
import { applyTransformation, type EntityType, type JsonObject } from '../transformation/index.ts'
import type { ReadEnd } from '../types/type.ts'
import type { JobRun } from './job-run.ts'
import { createPages } from './pages.ts'
import type { CommonEntity } from './target.ts'

/** What reading all entities of a type has shown. */
export interface TypeRead {
  /** Why not everything that is missing has vanished; undefined: it has. */
  readonly doubt: string | undefined
  readonly asOf: string | undefined
  /** Entities that could not be read. */
  readonly failures: number
  readonly entities: number
  /** Of a simulation: the ids that were read. */
  readonly seen: ReadonlySet<string> | undefined
  /** They refer to entities that were not there when they were written. */
  readonly unresolved: readonly CommonEntity[]
}

/** So many are kept in memory to be written once more; the others wait for the next job. */
const mostUnresolved = 10_000
/** For the second time. */
const atOnce = 200

/** Reads all entities of a type, or what changed since, and brings them into the targets page by page. */
export async function readType(run: JobRun, type: EntityType, since: string | undefined): Promise<TypeRead> {
  const { source, connector, report } = run
  const position = createPosition(run, type)
  const seen = run.simulated ? new Set<string>() : undefined
  const unresolved: CommonEntity[] = []
  let failures = 0
  const pages = createPages(run, type)
  try {
    const end = await readPages()
    return {
      doubt: end.doubt,
      // The others are not read by a delta read, unless they change.
      asOf: unresolved.length < mostUnresolved ? end.asOf : undefined,
      failures,
      entities: position.entities(),
      seen,
      unresolved,
    }
  } finally {
    await pages.end()
  }

  async function readPages(): Promise<ReadEnd> {
    const reading = connector.read!(type, since)
    let coming = reading.next()
    for (;;) {
      const page = await coming
      if (page.done) return page.value
      // The next page is on its way while this one is written.
      coming = reading.next()
      // Its failure is met when it is waited for.
      coming.catch(() => {})
      const ids = new Set<string>()
      const entities = page.value.flatMap(document => toCommon(document, ids))
      for (const { id } of entities) seen?.add(id)
      report.set({ doing: `${type}s: ${position.entities()} read` })
      for (const entity of await pages.bring(entities))
        if (unresolved.length < mostUnresolved) unresolved.push(entity)
    }
  }

  /** `ids`: of the page. */
  function toCommon(document: JsonObject, ids: Set<string>): CommonEntity[] {
    const counts = position.next()
    const outcome = applyTransformation(run.transformation, type, document, {
      properties: source.properties,
      now: run.context.now(),
      random: run.context.random,
    })
    if (counts) report.count(source.name, 'Read', type, 'read')
    const id = String(document.id ?? '')
    const about = { system: source.name, entityType: type, id, content: document }
    if (outcome.kind === 'mapped') {
      const { entityIdSourceSystem, ...variables } = outcome.variables
      const common = { id: String(entityIdSourceSystem), document: outcome.document, variables }
      const wrong = wrongId(common.id) ?? (ids.has(common.id) ? 'is that of another entity too' : undefined)
      ids.add(common.id)
      return wrong === undefined ? [common] : refused('failed', `its id ${wrong}`)
    }
    return refused(outcome.kind, outcome.reason)

    function refused(kind: 'failed' | 'skipped', message: string): [] {
      if (kind === 'failed') failures++
      if (counts) {
        report.count(source.name, 'Read', type, kind)
        report.tell(kind, { ...about, message })
      }
      return []
    }
  }
}

/** Writes entities once more, now that what they refer to is there. */
export async function resolveLater(
  run: JobRun,
  type: EntityType,
  entities: readonly CommonEntity[],
): Promise<void> {
  const pages = createPages(run, type)
  try {
    for (let at = 0; at < entities.length; at += atOnce)
      await pages.bring(entities.slice(at, at + atOnce), true)
  } finally {
    await pages.end()
  }
}

/** Counts entities over all attempts of a job: what an earlier attempt has counted is not counted again. */
function createPosition({ job, report }: JobRun, type: EntityType) {
  const countedBefore = job.report.positions?.[type] ?? 0
  let at = 0
  return {
    /** Moves on; true: nobody has counted this one. */
    next(): boolean {
      at++
      const counts = at > countedBefore
      if (counts) report.set({ positions: { ...report.positions(), [type]: at } })
      return counts
    },
    entities: () => at,
  }
}

/** @throws SystemFailure where a source cannot be read at all. */
export function readable(run: Pick<JobRun, 'connector' | 'source'>): readonly EntityType[] {
  if (run.connector.read) return run.connector.entityTypes
  throw new SystemFailure(`${run.source.name}: a system of type ${run.source.type} cannot be read`)
}
