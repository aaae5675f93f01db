import { read } from './evaluate.ts'
import { at, constant } from './functions/function.ts'
import { isList, isSafeName, type Json, type JsonObject } from './json.ts'
import { flagAt, listAt, objectAt, onlyMembers, textAt, wrong } from './malformed.ts'
import { parsePath } from './parse.ts'
import type { Scope } from './scope.ts'
import type { Path } from './syntax.ts'
import { asText } from './text.ts'

/** What a mapping reads. */
export interface Source {
  /** The value; undefined for none, which `null` is as well (RFC 7643 section 2.5). @throws Unmappable */
  readonly read: (scope: Scope) => Json | undefined
  /** No failure if there is no value. */
  readonly maybeAbsent: boolean
  /** What it is, for people. */
  readonly says: string
}

/** Which has no value before an entity is created, so that one mapping serves for creating and for updating. */
const targetId = 'entityIdTargetSystem'

const mostPaths = 20
const mostValues = 10_000
const names = ['sourcePath', 'sourceVariable', 'constant'] as const

/** Reads what a mapping of the type set reads. `none`: it may read nothing. @throws Malformed */
export function parseSource(mapping: JsonObject, place: string, none: boolean): Source {
  const given = names.filter(name => mapping[name] !== undefined)
  if (given.length > 1) wrong(place, `write one of ${names.join(', ')}, not ${given.join(' and ')}`)
  if (mapping.variablePath !== undefined && given[0] !== 'sourceVariable')
    wrong(`${place}.variablePath`, 'goes with sourceVariable')
  const keepsSingle = flagAt(mapping, 'preserveArrayWithSingleElement', place)
  switch (given[0]) {
    case 'constant': {
      const value = constant(mapping.constant!)
      return { read: value, maybeAbsent: false, says: 'the constant' }
    }
    case 'sourceVariable': {
      const name = textAt(mapping, 'sourceVariable', place)!
      if (!isVariableName(name)) wrong(`${place}.sourceVariable`, 'write a name of letters, digits, _ and .')
      const within = textAt(mapping, 'variablePath', place)
      const path = within === undefined ? undefined : sourceAt(within, `${place}.variablePath`)
      return {
        read: scope => {
          const root = scope.variables.get(name) ?? undefined
          return path ? valueAt(path, keepsSingle, { ...scope, root, item: root }) : root
        },
        maybeAbsent: name === targetId,
        says: `the variable ${name}`,
      }
    }
    case 'sourcePath': {
      const path = sourceAt(textAt(mapping, 'sourcePath', place)!, `${place}.sourcePath`)
      return { read: scope => valueAt(path, keepsSingle, scope), maybeAbsent: false, says: path.source }
    }
    default:
      if (!none) wrong(place, `write where from: ${names.join(', ')}`)
      return { read: () => undefined, maybeAbsent: false, says: 'the first function' }
  }
}

/** Reads what a mapping of the type valueMapping reads. @throws Malformed */
export function parseValueMapping(mapping: JsonObject, place: string): Source {
  const written = listAt(mapping, 'sourcePaths', mostPaths, place) ?? wrong(place, 'write sourcePaths')
  const paths = written.map((path, index) => {
    const where = `${place}.sourcePaths[${index}]`
    return typeof path === 'string' ? sourceAt(path, where) : wrong(where, 'write a path')
  })
  const mapped = parseTable(mapping, paths.length, place)
  return {
    read: scope => {
      const values = paths.map(path => asText(valueAt(path, false, scope)))
      return values.includes(undefined) ? undefined : mapped.get(JSON.stringify(values))?.(scope)
    },
    maybeAbsent: false,
    says: `the value that ${paths.map(path => path.source).join(', ')} is mapped to`,
  }
}

function parseTable(
  mapping: JsonObject,
  width: number,
  place: string,
): ReadonlyMap<string, (scope: Scope) => Json> {
  const listed = listAt(mapping, 'valueMappings', mostValues, place) ?? wrong(place, 'write valueMappings')
  const mapped = new Map<string, (scope: Scope) => Json>()
  for (const [index, given] of listed.entries()) {
    const where = `${place}.valueMappings[${index}]`
    const { key, mappedValue, ...others } = objectAt(given, where, 'an object with key and mappedValue')
    onlyMembers(others, ['key', 'mappedValue'], where)
    const texts = isList(key) ? key.map(asText) : []
    if (texts.length !== width || texts.includes(undefined))
      wrong(`${where}.key`, `write a list of one text for each of the ${width} sourcePaths`)
    if (mappedValue === undefined) return wrong(where, 'mappedValue is missing')
    mapped.set(JSON.stringify(texts), constant(mappedValue))
  }
  return mapped
}

function sourceAt(source: string, place: string): Path {
  const path = at(place, () => parsePath(source))
  return path.from === '$' ? path : wrong(place, 'a source begins with $')
}

/** A list with one item is that item, unless it is kept; a path that leads to several places and finds none, nothing. */
function valueAt(path: Path, keepsSingle: boolean, scope: Scope): Json | undefined {
  const value = read(path, scope) ?? undefined
  if (!isList(value)) return value
  if (value.length === 0 && !path.definite) return undefined
  return keepsSingle || value.length !== 1 ? value : (value[0] ?? undefined)
}

/** Whether variables may have this name. */
export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_.]{0,99}$/.test(name) && isSafeName(name)
}
