/** What JSON can say. Lists and objects are read and never changed: they are somebody else's. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [name: string]: Json
}

/** Names that reach the machinery of objects. They are refused in paths and left out of copies. */
const unsafeNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Whether a member of this name may be written. */
export const isSafeName = (name: string): boolean => !unsafeNames.has(name)

export function isObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  )
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}

/** A member of the object itself; undefined if it has none of this name. */
export function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** Whether two values are the same JSON; the order of members does not matter. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, at) => sameJson(item, b[at]))
  if (!isObject(a) || !isObject(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every(name => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  )
}

/** What a value is, for people. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (isList(value)) return 'a list'
  if (value instanceof Uint8Array) return 'bytes'
  return { string: 'a text', number: 'a number', boolean: 'a boolean' }[typeof value as string] ?? 'an object'
}

export const maxDepth = 64
export const maxNodes = 1_000_000

/** What is wrong with the size of a value; undefined if nothing is. Does not recur, so no depth is too deep for it. */
export function oversize(value: unknown): string | undefined {
  const open: [unknown, number][] = [[value, 0]]
  for (let nodes = 0; open.length > 0; nodes++) {
    const [item, depth] = open.pop()!
    if (nodes > maxNodes) return `has more than ${maxNodes} values`
    if (typeof item !== 'object' || item === null) continue
    if (depth >= maxDepth) return `is nested deeper than ${maxDepth}`
    for (const inner of Object.values(item)) open.push([inner, depth + 1])
  }
  return undefined
}
