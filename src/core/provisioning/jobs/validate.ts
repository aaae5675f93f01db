import { SystemFailure } from '../failure.ts'
import type { Check, JobLogLine } from '../store.ts'
import { typeOf } from '../systems/manage.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import { applyTransformation, type EntityType, type JsonObject } from '../transformation/index.ts'
import type { Connector } from '../types/type.ts'
import type { JobRun } from './job-run.ts'
import { mapFor } from './target.ts'

const mostEntities = 10

/** Looks at everything that a job needs, and changes nothing: properties, tokens, connections, some entities. */
export async function validate(run: JobRun): Promise<void> {
  const checks: Check[] = []
  const note = (system: string, check: string, ok: boolean, message: string) => {
    checks.push({ system, check, ok, message })
    run.report.set({ checks: [...checks], doing: `${system}: ${check}` })
    if (!ok) run.report.set({ error: 'Not everything that a job needs is there: see the checks.' })
  }
  const systems = [run, ...run.targets.map(({ system, connector }) => ({ source: system, connector }))]
  for (const { source: system, connector } of systems) {
    checkProperties(system, note)
    await checkToken(system, connector, note)
    await checkConnection(system, connector, note)
    await run.checkpoint([])
  }
  if (run.source.role !== 'source') return
  for (const type of run.connector.entityTypes) {
    if (!run.connector.read || run.connector.isOnlyReached || !run.transformation.handles(type)) continue
    try {
      await tryEntities(run, type, note)
    } catch (error) {
      if (!(error instanceof SystemFailure)) throw error
      note(run.source.name, `read ${type}s`, false, error.message)
    }
    await run.checkpoint([])
  }
}

type Note = (system: string, check: string, ok: boolean, message: string) => void

/** Checks one system that no job reads from: a target or a proxy. */
export function checkProperties(system: OpenedSystem, note: Note): void {
  const missing = typeOf(system).missing({ ...system.properties, ...system.credentials })
  note(
    system.name,
    'properties',
    missing.length === 0,
    missing.length === 0 ? 'everything that is needed is set' : `set ${missing.join(', ')}`,
  )
}

export async function checkConnection(system: OpenedSystem, connector: Connector, note: Note): Promise<void> {
  try {
    note(system.name, 'connection', true, await connector.check())
  } catch (error) {
    if (!(error instanceof SystemFailure)) throw error
    note(system.name, 'connection', false, error.message)
  }
}

/** Where tokens come from another server than the answers. */
async function checkToken(system: OpenedSystem, { checkToken }: Connector, note: Note): Promise<void> {
  try {
    const said = await checkToken?.()
    if (said !== undefined) note(system.name, 'token', true, said)
  } catch (error) {
    if (!(error instanceof SystemFailure)) throw error
    note(system.name, 'token', false, error.message)
  }
}

/** Through the transformations, as a job would. */
async function tryEntities(run: JobRun, type: EntityType, note: Note): Promise<void> {
  const { source, report } = run
  const some = await firstOf(run, type)
  for (const document of some) {
    const id = String(document.id ?? '')
    report.count(source.name, 'Read', type, 'read')
    const read = applyTransformation(run.transformation, type, document, {
      properties: source.properties,
      now: run.context.now(),
      random: run.context.random,
    })
    if (read.kind !== 'mapped') {
      report.count(source.name, 'Read', type, read.kind)
      report.tell(read.kind, {
        system: source.name,
        entityType: type,
        id,
        message: read.reason,
        content: document,
      })
      continue
    }
    for (const target of run.targets) {
      const { name } = target.system
      const entity = { id: String(read.variables.entityIdSourceSystem), ...read }
      const { outcome } = mapFor(target, type, entity, 'create', undefined, {}, run.context)
      const log: JobLogLine['log'] = outcome.kind === 'mapped' ? 'created' : outcome.kind
      // What would be written is told of, and counted as nothing.
      if (log !== 'created') report.count(name, 'Write', type, log)
      report.tell(log, {
        system: name,
        entityType: type,
        id: entity.id,
        message: outcome.kind === 'mapped' ? 'would be written' : outcome.reason,
        content: outcome.kind === 'mapped' ? outcome.document : document,
      })
    }
  }
  note(source.name, `read ${type}s`, true, `${some.length} were put through the transformations`)
}

async function firstOf({ connector }: JobRun, type: EntityType): Promise<readonly JsonObject[]> {
  const pages = connector.read!(type, undefined)
  const { value, done } = await pages.next()
  if (!done) void pages.return({ doubt: undefined, asOf: undefined })
  return done ? [] : value.slice(0, mostEntities)
}
