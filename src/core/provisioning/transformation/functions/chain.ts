import { nearestName } from '../../../nearest.ts'
import { holds } from '../evaluate.ts'
import { isList, isObject, type Json, type JsonObject, member } from '../json.ts'
import { flagAt, listAt, objectAt, onlyMembers, textAt, wrong } from '../malformed.ts'
import { parseCondition } from '../parse.ts'
import type { Scope } from '../scope.ts'
import type { Condition } from '../syntax.ts'
import { boundedText } from '../work.ts'
import { at, type MappingFunction, memberName, objectFrom, optional, type Value } from './function.ts'
import { functions } from './index.ts'

/** What the functions of a mapping make of a value, one after the other; undefined for none. @throws Unmappable */
export type Chain = (value: Value | undefined, scope: Scope) => Value | undefined

const mostFunctions = 50
const byName = new Map(functions.map(one => [one.name, one]))
const ofAll = [
  ...['function', 'type', 'condition'],
  ...['applyOnElements', 'applyOnAttribute', 'applyOnJsonAttribute', 'assignToAttribute'],
]

/** Reads the functions of a mapping. `place`: of the list. @throws Malformed */
export function parseChain(mapping: JsonObject, place: string, writes: boolean): Chain {
  const listed = listAt(mapping, 'functions', mostFunctions, place) ?? []
  const steps = listed.map((given, index) => parseStep(given, `${place}.functions[${index}]`, writes))
  if (steps.length === 0) return value => value
  return (value, scope) => steps.reduce((made, step) => step(made, scope), value)
}

/** Whether the first function of a mapping makes a value where there is none. */
export function startsFromNothing(mapping: JsonObject): boolean {
  const first = isList(mapping.functions) ? mapping.functions[0] : undefined
  return isObject(first) && byName.get(String(first.function ?? first.type))?.startsFromNothing === true
}

function parseStep(given: Json, place: string, writes: boolean): Chain {
  const object = objectAt(given, place, 'an object with the name and the parameters of a function')
  const definition = definitionOf(object, place)
  if (definition.writesOnly && !writes) wrong(place, `${definition.name} is for write transformations`)
  onlyMembers(object, [...ofAll, ...Object.keys(definition.parameters)], place)
  const apply = parseApplication(definition, object, place)
  const condition = textAt(object, 'condition', place)
  const when =
    condition === undefined ? undefined : at(`${place}.condition`, () => parseCondition(condition)).condition
  const onElements = flagAt(object, 'applyOnElements', place)
  const wantsList = definition.takesList === true && !onElements
  return (value, scope) => {
    if (value === undefined) return definition.startsFromNothing ? guarded(when, value, apply, scope) : value
    if (wantsList || !isList(value)) return guarded(when, value, apply, scope)
    return value.map(item => guarded(when, item, apply, scope)).filter(isThere)
  }
}

function definitionOf(object: JsonObject, place: string): MappingFunction {
  const name = textAt(object, 'function', place) ?? textAt(object, 'type', place)
  if (name === undefined) return wrong(place, 'write the name of a function as function')
  const found = byName.get(name)
  if (found) return found
  const nearest = nearestName(name, byName.keys())
  return wrong(
    place,
    `there is no function ${name}${nearest === undefined ? '' : `, the nearest is ${nearest}`}`,
  )
}

/** `@` is the value; a value that does not fulfil the condition stays as it is. */
function guarded(
  when: Condition | undefined,
  value: Value | undefined,
  apply: Chain,
  scope: Scope,
): Value | undefined {
  const inItem = { ...scope, item: value instanceof Uint8Array ? undefined : value }
  return when && !holds(when, inItem) ? value : apply(value, inItem)
}

/** The function with its parameters, applied to a value or to a member of it. */
function parseApplication(definition: MappingFunction, object: JsonObject, place: string): Chain {
  const parameters = Object.entries(definition.parameters).map(
    ([name, parameter]) => [name, parameter.compile(object[name], `${place}.${name}`)] as const,
  )
  const clash = definition.wrong?.(object)
  if (clash !== undefined) wrong(place, clash)
  const from = object.applyOnAttribute === undefined ? 'applyOnJsonAttribute' : 'applyOnAttribute'
  const attribute = optional(memberName).compile(object[from], `${place}.${from}`)
  const assign = optional(memberName).compile(object.assignToAttribute, `${place}.assignToAttribute`)

  const apply: Chain = (value, scope) => {
    scope.work.spend(sizeOf(value))
    const given = Object.fromEntries(parameters.map(([name, parameter]) => [name, parameter(scope)]))
    const made = definition.apply(value, given, scope) ?? undefined
    if (typeof made === 'string') boundedText(made, scope.work)
    return made
  }
  return (value, scope) => {
    const read = attribute(scope)
    const written = assign(scope) ?? read
    if (written === undefined) return apply(value, scope)
    const container = objectFrom(value ?? {})
    const input = read === undefined ? container : (member(container, read) ?? undefined)
    if (input === undefined && !definition.startsFromNothing) return value
    const made =
      isList(input) && !definition.takesList
        ? input.map(item => apply(item, scope)).filter(isThere)
        : apply(input, scope)
    const { [written]: _, ...others } = container
    return made === undefined ? others : { ...others, [written]: made as Json }
  }
}

function isThere(value: Value | undefined): value is Json {
  return value !== undefined
}

function sizeOf(value: Value | undefined): number {
  if (typeof value === 'string' || isList(value) || value instanceof Uint8Array) return 1 + value.length
  return isObject(value) ? 1 + Object.keys(value).length : 1
}
