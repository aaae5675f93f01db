import { Problem } from '../../problem.ts'
import { isObject, type Json, type JsonObject, oversize } from './json.ts'
import { flagAt, listAt, Malformed, nameAt, objectAt, onlyMembers, textAt, wrong } from './malformed.ts'
import { conditionAt, type Mapping, parseMapping } from './mapping.ts'
import type { WrittenCondition } from './syntax.ts'

export const entityTypes = ['user', 'group'] as const
export type EntityType = (typeof entityTypes)[number]

const operations = ['create', 'update', 'delete'] as const
export type Operation = (typeof operations)[number]

/** A transformation that was read and can be applied, as often as wanted. */
export interface Transformation {
  /** `read`: from a source to the common form. `write`: from the common form to a target. */
  readonly kind: 'read' | 'write'
  /** Whether there is a part for this type that is not ignored. */
  handles(type: EntityType): boolean
  /** Whether entities that vanish from the source stay in the target, changed by mappings for `deleteEntity`. */
  keepsDeleted(type: EntityType): boolean
  readonly parts: Readonly<Partial<Record<EntityType, Part>>>
}

/** What is done with entities of one type. */
export interface Part {
  readonly ignored: boolean
  readonly condition: WrittenCondition | undefined
  readonly mappings: readonly Mapping[]
  readonly skipOperations: ReadonlySet<Operation>
  /** The variable `currentDate` is used. */
  readonly asksDate: boolean
}

const mostMappings = 1000

/**
 * Reads a transformation. `document`: parsed JSON. A problem `invalid_input` names the place, such as
 * `user.mappings[3].functions[0]`.
 */
export function parseTransformation(document: unknown, kind: 'read' | 'write'): Transformation | Problem {
  try {
    return parsed(document, kind)
  } catch (error) {
    if (error instanceof Malformed) return refused(error.message)
    throw error
  }
}

function parsed(document: unknown, kind: 'read' | 'write'): Transformation {
  const tooBig = oversize(document)
  if (tooBig !== undefined) wrong('transformation', tooBig)
  const object = objectAt(document, 'transformation', 'an object with the members user and group')
  onlyMembers(object, entityTypes, 'transformation')
  const parts: Partial<Record<EntityType, Part>> = {}
  for (const type of entityTypes) {
    const given = object[type]
    if (given !== undefined) parts[type] = parsePart(given, type, kind === 'write')
  }
  if (Object.keys(parts).length === 0) wrong('transformation', `write a part for ${entityTypes.join(' or ')}`)
  return {
    kind,
    parts,
    handles: type => parts[type]?.ignored === false,
    keepsDeleted: type => parts[type]?.mappings.some(({ only }) => only === 'deleteEntity') === true,
  }
}

/** `scimEntityEndpoint` is known so that documents can be taken over: it means something to proxies only. */
const members = ['condition', 'ignore', 'mappings', 'skipOperations', 'scimEntityEndpoint']

function parsePart(given: Json, place: EntityType, writes: boolean): Part {
  const object = objectAt(given, place, 'an object with mappings')
  onlyMembers(object, members, place)
  textAt(object, 'scimEntityEndpoint', place)
  const mappings = listAt(object, 'mappings', mostMappings, place) ?? wrong(place, 'write a list of mappings')
  return {
    ignored: flagAt(object, 'ignore', place),
    condition: conditionAt(object, place),
    mappings: mappings
      .map((mapping, index) => parseMapping(mapping, `${place}.mappings[${index}]`, writes))
      .filter(mapping => mapping !== undefined),
    skipOperations: parseOperations(object, place, writes),
    asksDate: mentions(given, 'currentDate'),
  }
}

function parseOperations(object: JsonObject, place: string, writes: boolean): ReadonlySet<Operation> {
  const listed = listAt(object, 'skipOperations', operations.length, place)
  if (listed && !writes) wrong(`${place}.skipOperations`, 'operations are skipped by write transformations')
  return new Set(
    listed?.map((name, index) => {
      const where = `skipOperations[${index}]`
      return nameAt({ [where]: name }, where, operations, place)!
    }),
  )
}

function mentions(value: Json, name: string): boolean {
  if (typeof value === 'string') return value.includes(name)
  return (isObject(value) || Array.isArray(value)) && Object.values(value).some(item => mentions(item, name))
}

const longestDescription = 1000

/** Descriptions hold no quotes, backslashes or letters beyond ASCII (RFC 6749 section 5.2); the reason does. */
function refused(reason: string): Problem {
  const description = reason
    .replaceAll('"', "'")
    .replace(/[^ !#-[\]-~]/g, '?')
    .slice(0, longestDescription)
  return new Problem('invalid_input', description, { reason })
}
