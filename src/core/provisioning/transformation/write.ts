import { follow, holds, nameOf } from './evaluate.ts'
import { isList, isObject, type Json, kindOf } from './json.ts'
import { wrong } from './malformed.ts'
import type { Scope } from './scope.ts'
import type { Path, Segment } from './syntax.ts'
import type { Text } from './text.ts'
import { copy, type Draft, Unmappable } from './work.ts'

/** A document that is being made. */
export interface Output {
  document: Draft
  /** A list was written to beyond its end. */
  gaps: boolean
}

/** A path that can be written to. @throws Malformed for one that leads to a choice of places that nobody can make */
export function targetPath(path: Path, place: string): Path {
  if (path.from !== '$') return wrong(place, 'a target begins with $')
  const at = path.segments.findIndex(segment => !isWritable(segment))
  return at < 0
    ? path
    : wrong(place, `${path.source} can be read, but not written: part ${at + 1} names no place`)
}

function isWritable(segment: Segment): boolean {
  if (segment.kind === 'child') return segment.names.length === 1
  if (segment.kind === 'index') return segment.indexes.length === 1 && segment.indexes[0]! >= 0
  return segment.kind === 'wildcard' || segment.kind === 'filter'
}

/**
 * Writes a value to every place that a target path leads to. Objects and lists on the way are made where names and
 * indexes lead; `[*]` and filters lead only to what is there, but for one: `$.list[?(@.name)]` makes a list of objects
 * that have the value, or each item of it, as that member. @throws Unmappable where something else is in the way
 */
export function write(output: Output, path: Path, value: Json, scope: Scope): void {
  const written = place(output.document, path.segments, { output, path, value, scope })
  if (!isObject(written)) throw new Unmappable(`${path.source} needs an object, not ${kindOf(value)}`)
  output.document = written as Draft
}

interface Writing {
  readonly output: Output
  readonly path: Path
  readonly value: Json
  readonly scope: Scope
}

/** What stands at a place after the value was written there or below; undefined if there is no place for it. */
function place(node: Draft, segments: readonly Segment[], writing: Writing): Draft {
  writing.scope.work.spend(1)
  const segment = segments[0]
  const rest = segments.slice(1)
  if (segment === undefined) return copy(writing.value, writing.scope.work)
  if (segment.kind === 'child')
    return placeMember(node, nameOf(segment.names[0]!, writing.scope), rest, writing)
  if (segment.kind === 'index') return placeItem(node, segment.indexes[0]!, rest, writing)
  const name = rest.length === 0 ? listedName(segment) : undefined
  if (name !== undefined) return listed(nameOf(name, writing.scope), writing)
  return placeEach(node, segment, rest, writing)
}

function placeMember(node: Draft, name: string, rest: readonly Segment[], writing: Writing): Draft {
  const made = isNothing(node) ? {} : node
  if (!isObject(made)) return inTheWay(made, name, writing)
  const object = made as { [name: string]: Draft }
  const inner = place(Object.hasOwn(object, name) ? object[name] : undefined, rest, writing)
  if (inner === undefined) return node
  object[name] = inner
  return object
}

function placeItem(node: Draft, index: number, rest: readonly Segment[], writing: Writing): Draft {
  const made = isNothing(node) ? [] : node
  if (!Array.isArray(made)) return inTheWay(made, `[${index}]`, writing)
  const inner = place(made[index], rest, writing)
  if (inner === undefined) return node
  if (index > made.length) writing.output.gaps = true
  while (made.length < index) made.push(undefined)
  made[index] = inner
  return made
}

function placeEach(node: Draft, segment: Segment, rest: readonly Segment[], writing: Writing): Draft {
  if (Array.isArray(node)) {
    node.forEach((item, at) => {
      if (item !== undefined && isMeant(item, segment, writing)) node[at] = place(item, rest, writing) ?? item
    })
  } else if (isObject(node)) {
    const object = node as { [name: string]: Draft }
    if (segment.kind === 'filter')
      return isMeant(object, segment, writing) ? place(object, rest, writing) : node
    for (const name of Object.keys(object)) object[name] = place(object[name], rest, writing) ?? object[name]
  }
  return node
}

function isMeant(item: Draft, segment: Segment, { output, scope }: Writing): boolean {
  if (segment.kind !== 'filter') return true
  return holds(segment.condition, { ...scope, root: output.document as Json, item: item as Json })
}

/** The name in `[?(@.name)]`. */
function listedName(segment: Segment): Text | undefined {
  if (segment.kind !== 'filter' || segment.condition.kind !== 'exists') return undefined
  const { operand } = segment.condition
  if (operand.kind !== 'path' || operand.path.from !== '@' || operand.path.segments.length !== 1)
    return undefined
  const [only] = operand.path.segments
  return only?.kind === 'child' ? only.names[0] : undefined
}

function listed(name: string, { value, scope }: Writing): Draft {
  return (isList(value) ? value : [value]).map(item => {
    const made = copy(item, scope.work)
    return isObject(made) ? made : { [name]: made }
  })
}

function inTheWay(node: Draft, step: string, { path }: Writing): never {
  throw new Unmappable(`${path.source}: ${kindOf(node)} is where ${step} leads through`)
}

function isNothing(node: Draft): node is null | undefined {
  return node === undefined || node === null
}

/** Takes away whatever a target path leads to. */
export function remove(output: Output, path: Path, scope: Scope): void {
  if (path.segments.length === 0) output.document = {}
  else if (path.segments.every(isPlainName))
    removeMember(output.document, path.segments as PlainName[], scope)
  else eachPlace(output, path, scope, (container, keys) => removeKeys(container, keys))
}

type PlainName = Extract<Segment, { kind: 'child' }>

const isPlainName = (segment: Segment): boolean =>
  segment.kind === 'child' && segment.names[0]!.literal !== undefined

/** As most documents remove: what names lead to that are written out. */
function removeMember(document: Draft, segments: readonly PlainName[], scope: Scope): void {
  let container = document
  for (let at = 0; isObject(container); at++) {
    scope.work.spend(2)
    const object = container as { [name: string]: Draft }
    const name = segments[at]!.names[0]!.literal!
    if (!Object.hasOwn(object, name)) return
    if (at === segments.length - 1) {
      delete object[name]
      return
    }
    container = object[name]
  }
}

/** Gives a member another name, wherever the path leads. Returns to how many. @throws Unmappable */
export function rename(output: Output, path: Path, name: string, scope: Scope): number {
  let renamed = 0
  eachPlace(output, path, scope, (container, keys) => {
    if (Array.isArray(container)) return
    for (const key of keys) {
      const value = container[key]
      delete container[key]
      container[name] = value
      renamed++
    }
  })
  return renamed
}

type Container = Draft[] | { [name: string]: Draft }

function eachPlace(
  output: Output,
  path: Path,
  scope: Scope,
  act: (container: Container, keys: readonly string[]) => void,
): void {
  const inOutput = { ...scope, root: output.document as Json }
  const last = path.segments.at(-1)!
  for (const container of follow(path.segments.slice(0, -1), [output.document as Json], inOutput))
    if (typeof container === 'object' && container !== null)
      act(container as Container, keysIn(container, last, inOutput))
}

/** What a last segment means in a list or object: names of members, or indexes from the last one on. */
function keysIn(container: Json, segment: Segment, scope: Scope): string[] {
  if (segment.kind === 'child' || segment.kind === 'index') {
    if (isList(container) !== (segment.kind === 'index')) return []
    const key = segment.kind === 'child' ? nameOf(segment.names[0]!, scope) : String(segment.indexes[0])
    return Object.hasOwn(container as object, key) ? [key] : []
  }
  const keys = Object.keys(container as object)
  scope.work.spend(keys.length)
  const meant = keys.filter(key => {
    const item = (container as Readonly<Record<string, Json>>)[key]!
    return segment.kind !== 'filter' || holds(segment.condition, { ...scope, item })
  })
  return isList(container) ? meant.reverse() : meant
}

function removeKeys(container: Container, keys: readonly string[]): void {
  for (const key of keys) {
    if (Array.isArray(container)) container.splice(Number(key), 1)
    else delete container[key]
  }
}

/** The finished document: lists that were written to beyond their end get shorter by what nobody wrote. */
export function finished(output: Output): Json {
  return (output.gaps ? closed(output.document) : output.document) as Json
}

function closed(node: Draft): Draft {
  if (Array.isArray(node)) return node.filter(item => item !== undefined).map(closed)
  if (!isObject(node)) return node
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, closed(value as Draft)]))
}
