import { formatDate, standardFormat } from './dates.ts'
import type { EntityType, Operation, Part, Transformation } from './document.ts'
import { holds } from './evaluate.ts'
import { type Json, type JsonObject, oversize } from './json.ts'
import type { Making, Mapping, MappingScope } from './mapping.ts'
import { type Lookup, propertyOf, type Scope } from './scope.ts'
import { asText } from './text.ts'
import { copy, Unmappable, Work } from './work.ts'
import { finished } from './write.ts'

/** What a transformation works with beside the entity. */
export interface Surroundings {
  /** The properties of the system. */
  readonly properties: Readonly<Record<string, string>>
  /** Variables that have a value from the beginning, such as `entityIdTargetSystem`. */
  readonly variables?: Readonly<Record<string, Json>>
  /** Milliseconds since 1970. */
  readonly now: number
  /** Bytes from a cryptographically strong source. */
  readonly random: (bytes: number) => Uint8Array
  readonly lookup?: Lookup
  /** Of writing: what is to be done in the target, which decides which mappings with a scope count. */
  readonly operation?: Operation
}

export type Outcome =
  | {
      readonly kind: 'mapped'
      readonly document: JsonObject
      readonly variables: Readonly<Record<string, Json>>
      /** The values that are the same wherever this user is read from, by target path, or source path without one. */
      readonly correlation: Readonly<Record<string, Json>>
      readonly skipOperations: ReadonlySet<Operation>
    }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** Maps one entity. Never throws, and gives up after a bounded amount of work. */
export function applyTransformation(
  transformation: Transformation,
  type: EntityType,
  document: JsonObject,
  surroundings: Surroundings,
): Outcome {
  const part = transformation.parts[type]
  if (!part || part.ignored)
    return { kind: 'skipped', reason: `The transformation ignores entities of the type ${type}.` }
  try {
    return mapped(part, transformation.kind, document, surroundings)
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}

function mapped(
  part: Part,
  kind: 'read' | 'write',
  document: JsonObject,
  surroundings: Surroundings,
): Outcome {
  const tooBig = oversize(document)
  if (tooBig !== undefined) throw new Unmappable(`the entity ${tooBig}`)
  const { operation } = surroundings
  const scope = scopeOf(part, kind, document, surroundings)
  const { condition } = part
  if (condition && operation !== 'delete' && !holds(condition.condition, scope))
    return { kind: 'skipped', reason: `The condition: (${condition.source}), is not fulfilled.` }

  const making: Making = { scope, output: { document: {}, gaps: false }, correlation: new Map() }
  for (const mapping of part.mappings) if (counts(mapping.only, operation)) applyOne(mapping, making)
  if (kind === 'read') needSourceId(scope)
  scope.variables.delete('currentDate')
  return {
    kind: 'mapped',
    document: finished(making.output) as JsonObject,
    variables: copies(scope.variables, scope.work),
    correlation: copies(making.correlation, scope.work),
    skipOperations: part.skipOperations,
  }
}

function scopeOf(
  part: Part,
  kind: 'read' | 'write',
  document: JsonObject,
  { properties, variables = {}, now, random, lookup }: Surroundings,
): Scope {
  const known = new Map(Object.entries(variables))
  const scope = {
    ...{ root: document, item: document, properties, variables: known, random, work: new Work() },
    lookup: kind === 'write' ? lookup : undefined,
  }
  if (part.asksDate) {
    const format = propertyOf(scope, 'ips.date.variable.format') ?? standardFormat
    known.set('currentDate', formatDate({ time: now, offsetMinutes: 0 }, format))
  }
  return scope
}

const scopeOfOperation: Readonly<Record<Operation, MappingScope>> = {
  create: 'createEntity',
  update: 'patchEntity',
  delete: 'deleteEntity',
}

/** Mappings without a scope are for everything but deleting, which has only those that say so. */
function counts(only: MappingScope | undefined, operation: Operation | undefined): boolean {
  if (only === undefined) return operation !== 'delete'
  return operation !== undefined && only === scopeOfOperation[operation]
}

function applyOne(mapping: Mapping, making: Making): void {
  try {
    mapping.apply(making)
  } catch (error) {
    throw new Unmappable(`${mapping.place}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function needSourceId({ variables }: Scope): void {
  const id = asText(variables.get('entityIdSourceSystem'))
  if (id === undefined || id === '') throw new Unmappable('the variable entityIdSourceSystem is not set')
  variables.set('entityIdSourceSystem', id)
}

function copies(values: ReadonlyMap<string, Json>, work: Work): Record<string, Json> {
  const made: Record<string, Json> = {}
  for (const [name, value] of values) made[name] = copy(value, work) as Json
  return made
}
