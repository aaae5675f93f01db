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

/** What is wrong with the size of a value; undefined if nothing is. */
export function oversize(value: unknown): string | undefined {
  const nodes = count(value, 0, 0)
  if (nodes === tooDeep) return `is nested deeper than ${maxDepth}`
  return nodes > maxNodes ? `has more than ${maxNodes} values` : undefined
}

const tooDeep = Number.POSITIVE_INFINITY

/** How many values there are, on top of `before`; looks no further where that is too many, or they are too deep. */
function count(value: unknown, depth: number, before: number): number {
  let nodes = before + 1
  if (typeof value !== 'object' || value === null) return nodes
  if (depth >= maxDepth) return tooDeep
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length && nodes <= maxNodes; at++) nodes = count(value[at], depth + 1, nodes)
    return nodes
  }
  const inner = value as Readonly<Record<string, unknown>>
  for (const name in inner) {
    if (nodes > maxNodes) break
    nodes = count(inner[name], depth + 1, nodes)
  }
  return nodes
}
