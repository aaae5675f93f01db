import { nearestName } from '../../nearest.ts'
import { isObject, type Json, type JsonObject, kindOf } from './json.ts'

/**
 * The transformation is wrong at some place. Thrown where it is found and caught in one place, `parseTransformation`,
 * which makes a `Problem` of it.
 */
export class Malformed extends Error {}

/** @throws Malformed: always, naming the place. */
export function wrong(place: string, says: string): never {
  throw new Malformed(`${place}: ${says}`)
}

/** An object with known members only. `what` it is, for people. */
export function objectAt(value: unknown, place: string, what: string): JsonObject {
  return isObject(value) ? value : wrong(place, `write ${what}, not ${kindOf(value)}`)
}

/** Refuses a member that nobody knows, by its name. */
export function onlyMembers(object: JsonObject, known: readonly string[], place: string): void {
  for (const name of Object.keys(object)) {
    if (known.includes(name)) continue
    const nearest = nearestName(name, known)
    wrong(place, `there is no member ${name}${nearest === undefined ? '' : `, the nearest is ${nearest}`}`)
  }
}

/** A text that is not empty, or undefined if there is none. */
export function textAt(object: JsonObject, name: string, place: string): string | undefined {
  const value = object[name]
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  return wrong(`${place}.${name}`, `write a text, not ${value === '' ? 'an empty one' : kindOf(value)}`)
}

/** True or false, with or without quotes, as in transformations of SAP; false if there is neither. */
export function flagAt(object: JsonObject, name: string, place: string): boolean {
  const value = object[name]
  return value === undefined || typeof value === 'boolean' || value === 'true' || value === 'false'
    ? value === true || value === 'true'
    : wrong(`${place}.${name}`, `write true or false, not ${kindOf(value)}`)
}

/** A list with between one and `most` items, or undefined if there is none. */
export function listAt(
  object: JsonObject,
  name: string,
  most: number,
  place: string,
): readonly Json[] | undefined {
  const value = object[name]
  if (value === undefined) return undefined
  if (!Array.isArray(value)) return wrong(`${place}.${name}`, `write a list, not ${kindOf(value)}`)
  return value.length <= most ? value : wrong(`${place}.${name}`, `has more than ${most} items`)
}

/** One of some names, or undefined if there is none. */
export function nameAt<Name extends string>(
  object: JsonObject,
  member: string,
  names: readonly Name[],
  place: string,
): Name | undefined {
  const value = object[member]
  if (value === undefined) return undefined
  return (
    names.find(name => name === value) ??
    wrong(
      `${place}.${member}`,
      `write one of ${names.join(', ')}, not ${typeof value === 'string' ? value : kindOf(value)}`,
    )
  )
}
