import { SystemFailure } from '../failure.ts'
import { wrongId } from '../ids.ts'
import { applyTransformation, type EntityType, isList, type JsonObject } from '../transformation/index.ts'
import type { ReadEnd } from '../types/type.ts'
import { createBatches } from './batches.ts'
import type { JobRun } from './job-run.ts'
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
/** So many are written down in one transaction; a group counts for more, because its members are looked up. */
const atOnce = 500
const membersLikeOne = 4

/** Reads all entities of a type, or what changed since, and brings them into the targets batch by batch. */
export async function readType(run: JobRun, type: EntityType, since: string | undefined): Promise<TypeRead> {
  const { source, connector, report } = run
  const position = createPosition(run, type)
  const unresolved: CommonEntity[] = []
  let failures = 0
  /** Of all that were read: two entities cannot be the same one in a target. */
  const ids = new Set<string>()
  /** What is brought next. */
  let gathered: CommonEntity[] = []
  let weight = 0
  const batches = createBatches(run, type)
  try {
    const end = await readPages()
    return {
      doubt: end.doubt,
      // The others are not read by a delta read, unless they change.
      asOf: unresolved.length < mostUnresolved ? end.asOf : undefined,
      failures,
      entities: position.entities(),
      seen: run.simulated ? ids : undefined,
      unresolved,
    }
  } finally {
    await batches.end()
  }

  async function readPages(): Promise<ReadEnd> {
    const reading = connector.read!(type, since)
    let coming = reading.next()
    for (;;) {
      const page = await coming.catch(async error => {
        // What was read stands.
        await bring()
        throw error
      })
      if (page.done) {
        await bring()
        return page.value
      }
      // The next page is on its way while this one is written.
      coming = reading.next()
      // Its failure is met when it is waited for.
      coming.catch(() => {})
      for (const document of page.value) {
        gather(document)
        if (weight >= atOnce) await bring()
      }
    }
  }

  async function bring(): Promise<void> {
    const entities = gathered
    gathered = []
    weight = 0
    report.set({ doing: `${type}s: ${position.entities()} read` })
    for (const entity of await batches.bring(entities))
      if (unresolved.length < mostUnresolved) unresolved.push(entity)
  }

  function gather(document: JsonObject): void {
    const { members } = document
    weight += 1 + (isList(members) ? members.length / membersLikeOne : 0)
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
      if (wrong === undefined) {
        gathered.push(common)
        ids.add(common.id)
      } else refused('failed', `its id ${wrong}`)
    } else refused(outcome.kind, outcome.reason)

    function refused(kind: 'failed' | 'skipped', message: string): void {
      if (kind === 'failed') failures++
      if (counts) {
        report.count(source.name, 'Read', type, kind)
        report.tell(kind, { ...about, message })
      }
    }
  }
}

/** Writes entities once more, now that what they refer to is there. */
export async function resolveLater(
  run: JobRun,
  type: EntityType,
  entities: readonly CommonEntity[],
): Promise<void> {
  const batches = createBatches(run, type)
  try {
    for (let at = 0; at < entities.length; at += atOnce)
      await batches.bring(entities.slice(at, at + atOnce), true)
  } finally {
    await batches.end()
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
