import { holds } from './evaluate.ts'
import { parseChain, startsFromNothing } from './functions/chain.ts'
import { at, constant, memberName } from './functions/function.ts'
import type { Json, JsonObject } from './json.ts'
import { flagAt, nameAt, objectAt, onlyMembers, textAt, wrong } from './malformed.ts'
import { parseCondition, parsePath } from './parse.ts'
import type { Scope } from './scope.ts'
import { isVariableName, parseSource, parseValueMapping, type Source } from './sources.ts'
import type { Path } from './syntax.ts'
import { Unmappable } from './work.ts'
import { type Output, remove, rename, targetPath, write } from './write.ts'

export const mappingScopes = ['createEntity', 'patchEntity', 'deleteEntity'] as const
export type MappingScope = (typeof mappingScopes)[number]

/** One mapping, ready to be applied. */
export interface Mapping {
  /** Where it stands, such as `user.mappings[3]`. */
  readonly place: string
  /** For which operation alone it is. */
  readonly only: MappingScope | undefined
  /** @throws Unmappable */
  readonly apply: (making: Making) => void
}

/** What mappings make of one entity. */
export interface Making {
  readonly scope: Scope
  readonly output: Output
  readonly correlation: Map<string, Json>
}

type Act = Mapping['apply']

const anywhere = ['type', 'condition', 'scope', 'ignore', 'optional']
const targets = ['targetPath', 'targetVariable', 'defaultValue', 'functions', 'correlationAttribute']

/** THE LIST of types of mappings, with the members that each has beside those that all have. */
const types: Readonly<
  Record<
    string,
    { members: readonly string[]; parse(mapping: JsonObject, place: string, writes: boolean): Act }
  >
> = {
  set: {
    members: [
      ...['sourcePath', 'sourceVariable', 'variablePath', 'constant', 'preserveArrayWithSingleElement'],
      ...targets,
    ],
    parse: (mapping, place, writes) =>
      parseSetting(mapping, place, parseSource(mapping, place, startsFromNothing(mapping)), writes),
  },
  valueMapping: {
    members: ['sourcePaths', 'valueMappings', ...targets],
    parse: (mapping, place, writes) =>
      parseSetting(mapping, place, parseValueMapping(mapping, place), writes),
  },
  remove: { members: ['targetPath'], parse: parseRemoving },
  rename: { members: ['targetPath', 'constant'], parse: parseRenaming },
}

/** Reads one mapping; undefined for one that is to be ignored. @throws Malformed */
export function parseMapping(given: Json, place: string, writes: boolean): Mapping | undefined {
  const mapping = objectAt(given, place, 'an object such as {"sourcePath": "$.a", "targetPath": "$.b"}')
  onlyMembers(mapping, [...anywhere, ...Object.values(types).flatMap(type => type.members)], place)
  const name = nameAt(mapping, 'type', Object.keys(types), place) ?? 'set'
  const type = types[name]!
  const stray = Object.keys(mapping).find(key => ![...anywhere, ...type.members].includes(key))
  if (stray !== undefined) wrong(place, `a mapping of the type ${name} has no ${stray}`)
  const only = nameAt(mapping, 'scope', mappingScopes, place)
  if (only !== undefined && !writes) wrong(`${place}.scope`, 'scopes are for write transformations')
  const act = type.parse(mapping, place, writes)
  const when = conditionAt(mapping, place)?.condition
  const apply: Act = when ? making => holds(when, making.scope) && act(making) : act
  return flagAt(mapping, 'ignore', place) ? undefined : { place, only, apply }
}

/** The condition of a mapping or type, if there is one. @throws Malformed */
export function conditionAt(object: JsonObject, place: string) {
  const source = textAt(object, 'condition', place)
  return source === undefined ? undefined : at(`${place}.condition`, () => parseCondition(source))
}

function parseSetting(mapping: JsonObject, place: string, source: Source, writes: boolean): Act {
  const chain = parseChain(mapping, place, writes)
  const otherwise = mapping.defaultValue === undefined ? undefined : constant(mapping.defaultValue)
  const optional = flagAt(mapping, 'optional', place) || source.maybeAbsent
  const put = parseTargets(mapping, place)
  return making => {
    // Bytes that are left over at the end are refused where the value is copied to its place.
    const made = chain(source.read(making.scope), making.scope) as Json | undefined
    const value = made === undefined ? otherwise?.(making.scope) : made
    if (value !== undefined) put(value, making)
    else if (!optional) throw new Unmappable(`${source.says} has no value, and the mapping is not optional`)
  }
}

function parseTargets(mapping: JsonObject, place: string): (value: Json, making: Making) => void {
  const path = targetAt(mapping, place)
  const variable = textAt(mapping, 'targetVariable', place)
  if (variable !== undefined && !isVariableName(variable))
    wrong(`${place}.targetVariable`, 'write a name of letters, digits, _ and .')
  const correlates = flagAt(mapping, 'correlationAttribute', place)
  if (path === undefined && variable === undefined && !correlates)
    wrong(place, 'write where to: targetPath or targetVariable')
  const key = path?.source ?? textAt(mapping, 'sourcePath', place) ?? variable ?? ''
  return (value, { output, scope, correlation }) => {
    if (path) write(output, path, value, scope)
    if (variable !== undefined) scope.variables.set(variable, value)
    if (correlates) correlation.set(key, value)
  }
}

function targetAt(mapping: JsonObject, place: string): Path | undefined {
  const source = textAt(mapping, 'targetPath', place)
  const where = `${place}.targetPath`
  return source === undefined
    ? undefined
    : targetPath(
        at(where, () => parsePath(source)),
        where,
      )
}

function parseRemoving(mapping: JsonObject, place: string): Act {
  flagAt(mapping, 'optional', place)
  const path = targetAt(mapping, place) ?? wrong(place, 'write what to remove as targetPath')
  return ({ output, scope }) => remove(output, path, scope)
}

function parseRenaming(mapping: JsonObject, place: string): Act {
  const path = targetAt(mapping, place) ?? wrong(place, 'write what to rename as targetPath')
  if (path.segments.at(-1)?.kind !== 'child')
    wrong(`${place}.targetPath`, 'only a member has a name, write a path that ends with one')
  if (mapping.constant === undefined) wrong(place, 'write the new name as constant')
  const name = memberName.compile(mapping.constant, `${place}.constant`)
  const optional = flagAt(mapping, 'optional', place)
  return ({ output, scope }) => {
    if (rename(output, path, name(scope), scope) === 0 && !optional)
      throw new Unmappable(`${path.source} is not there, and the mapping is not optional`)
  }
}
