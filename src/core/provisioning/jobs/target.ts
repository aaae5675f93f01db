import { hash } from 'node:crypto'
import type { Context } from '../../context.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import {
  applyTransformation,
  type EntityType,
  type Json,
  type JsonObject,
  type Outcome,
  type Transformation,
} from '../transformation/index.ts'
import { numeric } from '../types/property.ts'
import type { Connector, Writer } from '../types/type.ts'

/** An entity of the source in the common form. */
export interface CommonEntity {
  /** At the source. */
  readonly id: string
  readonly document: JsonObject
  readonly variables: Readonly<Record<string, Json>>
}

/** A target while a job writes to it. */
export interface Target {
  readonly system: OpenedSystem
  readonly connector: Connector
  readonly writer: Writer
  readonly transformation: Transformation
  /** Of everything but the entity that decides what is written. */
  readonly version: string
  /** So many calls at a time. */
  readonly parallel: number
  /** Why nothing is sent to it any more. */
  down: string | undefined
  /** Calls in a row that failed for want of an answer. */
  unanswered: number
}

/** After so many in a row the rest is not tried any more. */
export const mostUnanswered = 20

export function createTarget(
  system: OpenedSystem,
  connector: Connector,
  transformation: Transformation,
  document: unknown,
): Target {
  return {
    system,
    connector,
    writer: connector.writer!,
    transformation,
    version: versionOf(document, system.properties),
    parallel: numeric(system.properties, 'ips.parallel.requests', 16),
    down: undefined,
    unanswered: 0,
  }
}

/** Properties count where the transformation names them: another time-out changes no entity. */
function versionOf(document: unknown, properties: Readonly<Record<string, string>>): string {
  const text = JSON.stringify(document)
  const named = Object.entries(properties).filter(
    ([name]) => name === 'ips.application.id' || text.includes(name),
  )
  return hash('sha256', JSON.stringify([text, named.sort()]), 'base64url')
}

/** What an entity is to be in a target, and whom it refers to there. */
export interface Mapped {
  readonly outcome: Outcome
  /** Entities that it refers to, each once or more. */
  readonly references: readonly Reference[]
}

export interface Reference {
  readonly entityType: EntityType
  /** At the source. */
  readonly id: string
  /** Its id in the target; undefined: it is not there. */
  readonly found: string | undefined
}

/** Ids in the target, by those at the source. */
export type KnownIds = Readonly<Partial<Record<EntityType, ReadonlyMap<string, string>>>>

export function mapFor(
  target: Pick<Target, 'transformation' | 'system'>,
  type: EntityType,
  { id, document, variables }: CommonEntity,
  operation: 'create' | 'update' | 'delete',
  idInTarget: string | undefined,
  known: KnownIds,
  context: Pick<Context, 'now' | 'random'>,
): Mapped {
  const references: Reference[] = []
  const outcome = applyTransformation(target.transformation, type, document, {
    properties: target.system.properties,
    variables: {
      ...variables,
      entityIdSourceSystem: id,
      ...(idInTarget !== undefined && { entityIdTargetSystem: idInTarget }),
    },
    now: context.now(),
    random: context.random,
    operation,
    lookup({ entityType, id: wanted }) {
      const found = known[entityType]?.get(wanted)
      references.push({ entityType, id: wanted, found })
      return found
    },
  })
  return { outcome, references }
}

/** The same for the same entity, transformation and references: what was written need not be written again. */
export function digestOf(target: Target, entity: CommonEntity, references: Mapped['references']): string {
  const refers =
    references.length === 0
      ? ''
      : JSON.stringify([...new Map(references.map(one => [`${one.entityType} ${one.id}`, one.found]))])
  return hash('sha256', `${target.version}${JSON.stringify(entity.document)}${refers}`, 'base64url')
}
