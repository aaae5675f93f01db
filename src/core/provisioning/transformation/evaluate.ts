import { comparisons, isEmpty } from './compare.ts'
import { isList, isObject, isSafeName, type Json, member } from './json.ts'
import { conditionMatches } from './pattern.ts'
import { calls } from './predicates.ts'
import type { Scope } from './scope.ts'
import type { Condition, Operand, Path, Segment } from './syntax.ts'
import { asText, type Text, textInCondition, textOf } from './text.ts'
import { Unmappable } from './work.ts'

/**
 * What a path leads to: the value, or undefined if there is none; of a path that is not definite a list, which may be
 * empty. @throws Unmappable
 */
export function read(path: Path, scope: Scope): Json | undefined {
  if (!path.definite) return readAll(path, scope)
  let value = path.from === '$' ? scope.root : scope.item
  for (const segment of path.segments) {
    if (value === undefined) return undefined
    scope.work.spend(2)
    value = only(segment, value, scope)
  }
  return value
}

/** What a definite segment leads to. */
function only(segment: Segment, value: Json, scope: Scope): Json | undefined {
  if (segment.kind === 'child') return child(segment.names, value, scope)
  let only: Json | undefined
  step(segment, value, scope, found => {
    only = found
  })
  return only
}

/** All values that a path leads to. @throws Unmappable */
export function readAll(path: Path, scope: Scope): Json[] {
  const start = path.from === '$' ? scope.root : scope.item
  return follow(path.segments, start === undefined ? [] : [start], scope)
}

/** All values that segments lead to from others. @throws Unmappable */
export function follow(segments: readonly Segment[], from: readonly Json[], scope: Scope): Json[] {
  let values = from as Json[]
  for (const segment of segments) {
    const next: Json[] = []
    for (const value of values) {
      scope.work.spend(1)
      step(segment, value, scope, found => {
        if (found === undefined) return
        scope.work.spend(1)
        next.push(found)
      })
    }
    values = next
  }
  return values
}

function step(segment: Segment, value: Json, scope: Scope, found: (value: Json | undefined) => void): void {
  if (segment.kind === 'child') found(child(segment.names, value, scope))
  else if (segment.kind === 'index')
    for (const at of segment.indexes) found(isList(value) ? value.at(at) : undefined)
  else if (segment.kind === 'slice')
    for (const item of isList(value) ? value.slice(segment.from, segment.to) : []) found(item)
  else if (segment.kind === 'wildcard') for (const item of inner(value)) found(item)
  else if (segment.kind === 'descent') descend(value, scope, found)
  else if (segment.kind === 'length') found(length(value, scope))
  else
    for (const item of isList(value) ? value : [value])
      if (holds(segment.condition, { ...scope, item })) found(item)
}

/** The values directly in a value. */
function inner(value: Json): readonly Json[] {
  if (isList(value)) return value
  return isObject(value) ? Object.values(value) : []
}

function descend(value: Json, scope: Scope, found: (value: Json) => void): void {
  scope.work.spend(1)
  found(value)
  for (const item of inner(value)) if (item !== undefined) descend(item, scope, found)
}

function child(names: readonly Text[], value: Json, scope: Scope): Json | undefined {
  if (!isObject(value)) return undefined
  if (names.length === 1) return member(value, nameOf(names[0]!, scope))
  const chosen: { [name: string]: Json } = {}
  for (const text of names) {
    const name = nameOf(text, scope)
    const found = member(value, name)
    if (found !== undefined) chosen[name] = found
  }
  return chosen
}

/** The name of a member; one that is written out was checked when it was read. @throws Unmappable where an insertion makes a name that no member may have */
export function nameOf(text: Text, scope: Scope): string {
  if (text.literal !== undefined) return text.literal
  const name = textOf(text, scope)
  if (!isSafeName(name)) throw new Unmappable(`no member may be named ${name}`)
  return name
}

function length(value: Json, scope: Scope): number | undefined {
  if (typeof value === 'string' || isList(value)) return value.length
  if (!isObject(value)) return undefined
  const names = Object.keys(value).length
  scope.work.spend(names)
  return names
}

/** Whether a condition is fulfilled. @throws Unmappable */
export function holds(condition: Condition, scope: Scope): boolean {
  scope.work.spend(1)
  switch (condition.kind) {
    case 'or':
      return condition.parts.some(part => holds(part, scope))
    case 'and':
      return condition.parts.every(part => holds(part, scope))
    case 'not':
      return !holds(condition.part, scope)
    case 'exists':
      return exists(condition.operand, scope)
    case 'empty':
      return isEmpty(operandValue(condition.operand, scope)) === condition.wanted
    case 'matches':
      return inputs(operandValue(condition.operand, scope)).some(input =>
        conditionMatches(condition.pattern, input, scope),
      )
    case 'compare':
      return compare(
        condition.operator,
        operandValue(condition.left, scope),
        operandValue(condition.right, scope),
        scope,
      )
    case 'call':
      return calls[condition.name]!.holds(argument(condition.path, scope), condition.property, scope)
  }
}

function compare(operator: string, left: Json, right: Json, scope: Scope): boolean {
  scope.work.spend(weight(left) + weight(right))
  return comparisons[operator]!(left, right)
}

/** How much there is to compare in a value, roughly. */
function weight(value: Json): number {
  if (typeof value === 'string') return value.length
  return inner(value).reduce<number>((sum, item) => sum + 1 + weight(item), 1)
}

function exists(operand: Operand, scope: Scope): boolean {
  return operand.kind === 'path'
    ? readAll(operand.path, scope).length > 0
    : operandValue(operand, scope) === true
}

function argument(path: Path | undefined, scope: Scope): Json[] {
  return path === undefined ? [] : readAll(path, scope).filter(value => value !== null)
}

/** The texts that a regular expression is held against: any one of a list is enough. */
function inputs(value: Json): string[] {
  return (isList(value) ? value : [value]).map(asText).filter(text => text !== undefined)
}

function operandValue(operand: Operand, scope: Scope): Json {
  switch (operand.kind) {
    case 'literal':
      return operand.value
    case 'text':
      return textInCondition(operand.text, scope)
    case 'inserted':
      return literalIn(textInCondition(operand.text, scope))
    case 'path':
      return read(operand.path, scope) ?? null
    case 'list':
      return operand.items.map(item => operandValue(item, scope))
  }
}

const words = new Map<string, Json>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['', null],
])

function literalIn(text: string): Json {
  const known = words.get(text)
  if (known !== undefined) return known
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text
}
