import { read } from '../evaluate.ts'
import { isList, isObject, isSafeName, type Json, type JsonObject, kindOf } from '../json.ts'
import { Malformed, wrong } from '../malformed.ts'
import { parsePath } from '../parse.ts'
import { type Pattern, patternOf } from '../pattern.ts'
import type { Scope } from '../scope.ts'
import { asText, parseText, textOf } from '../text.ts'
import { Unmappable } from '../work.ts'

/** What goes from function to function: JSON, or the bytes that `decode` makes. */
export type Value = Json | Uint8Array

/** A parameter: read once, when the transformation is, and asked for its value each time. */
export interface Parameter<T> {
  /** @throws Malformed for what cannot be a value of the parameter, or if it must be there and is not */
  compile(given: Json | undefined, place: string): (scope: Scope) => T
}

type Parameters = Readonly<Record<string, Parameter<unknown>>>
export type Given<P extends Parameters> = {
  readonly [Name in keyof P]: P[Name] extends Parameter<infer T> ? T : never
}

/** A function of mappings. To add one: a definition in a file beside this one, and a line in the list of `index.ts`. */
export interface MappingFunction<P extends Parameters = Parameters> {
  readonly name: string
  readonly parameters: P
  /** Wants a list as it is. Others are applied to each item of a list. */
  readonly takesList?: true
  /** Makes a value where there is none. Others are left out then. */
  readonly startsFromNothing?: true
  /** Has a meaning only where a target is written to. */
  readonly writesOnly?: true
  /** What is wrong with parameters that are right one by one; undefined if nothing is. */
  wrong?(given: JsonObject): string | undefined
  /** The result; undefined for none. @throws Unmappable for a value that the function cannot work on */
  apply(value: Value | undefined, given: Given<P>, scope: Scope): Value | undefined
}

/** The definition as it is, with the types of its parameters. */
export function mappingFunction<const P extends Parameters>(definition: MappingFunction<P>): MappingFunction {
  return definition as unknown as MappingFunction
}

function needed(given: Json | undefined, place: string, example: string): Json {
  return given ?? wrong(place, `is missing, write ${example}`)
}

/** A text, into which properties and variables are inserted; a number or boolean is taken as text. */
export const text: Parameter<string> = {
  compile(given, place) {
    const written =
      asText(needed(given, place, 'a text')) ?? wrong(place, `write a text, not ${kindOf(given)}`)
    const parsed = parseText(written)
    return scope => textOf(parsed, scope)
  },
}

/** The name of a member. */
export const memberName: Parameter<string> = {
  compile(given, place) {
    const name = text.compile(given, place)
    if (typeof given === 'string' && !isSafeName(given)) wrong(place, `no member may be named ${given}`)
    return scope => {
      const made = name(scope)
      if (!isSafeName(made)) throw new Unmappable(`no member may be named ${made}`)
      return made
    }
  },
}

/** The names of members: one, or a list. */
export const memberNames: Parameter<readonly string[]> = {
  compile(given, place) {
    const listed = isList(given) ? given : [needed(given, place, 'a list of names')]
    const names = listed.map((name, at) => memberName.compile(name, `${place}[${at}]`))
    return scope => names.map(name => name(scope))
  },
}

/** A path, or a text that stands for itself. */
export const textOrPath: Parameter<string> = {
  compile(given, place) {
    if (typeof given !== 'string' || !/^\$[.[]/.test(given)) return text.compile(given, place)
    const path = at(place, () => parsePath(given))
    return scope => asText(read(path, scope)) ?? unfit(`there is no text at ${path.source}`)
  },
}

/** A regular expression. */
export const regex: Parameter<Pattern> = {
  compile(given, place) {
    const written = needed(given, place, 'a regular expression')
    if (typeof written !== 'string') return wrong(place, `write a regular expression, not ${kindOf(given)}`)
    const { pattern, wrong: why } = patternOf(parseText(written))
    return why === undefined ? () => pattern : wrong(place, why)
  },
}

/** A whole number within bounds, as a number or as digits with or without a sign. */
export function whole(from: number, to: number): Parameter<number> {
  return {
    compile(given, place) {
      const written = needed(given, place, 'a whole number')
      const value = typeof written === 'string' && /^[+-]?\d{1,9}$/.test(written) ? Number(written) : written
      const fits = typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to
      return fits ? () => value : wrong(place, `write a whole number from ${from} to ${to}`)
    },
  }
}

/** One of a few names, spelled exactly. */
export function oneOf<const Name extends string>(names: readonly Name[]): Parameter<Name> {
  return {
    compile(given, place) {
      const name = names.find(known => known === given)
      return name === undefined ? wrong(place, `write one of ${names.join(', ')}`) : () => name
    },
  }
}

export const flag: Parameter<boolean> = {
  compile(given, place) {
    return typeof given === 'boolean'
      ? () => given
      : wrong(place, `write true or false, not ${kindOf(given)}`)
  },
}

/** Any value, with properties and variables inserted into the texts in it. */
export const anything: Parameter<Json> = {
  compile(given, place) {
    return given === undefined ? wrong(place, 'is missing, write a value') : constant(given)
  },
}

/** A value that is written out, with properties and variables inserted into the texts in it. Names stay as they are. */
export function constant(given: Json): (scope: Scope) => Json {
  if (typeof given === 'string') {
    const parsed = parseText(given)
    return scope => textOf(parsed, scope)
  }
  if (typeof given !== 'object' || given === null) return () => given
  if (isList(given)) {
    const items = given.map(constant)
    return scope => items.map(item => item(scope))
  }
  const members = Object.entries(given).map(([name, value]) => [name, constant(value)] as const)
  return scope => Object.fromEntries(members.map(([name, value]) => [name, value(scope)]))
}

/** A parameter that may be absent. */
export function optional<T>(parameter: Parameter<T>): Parameter<T | undefined>
export function optional<T>(parameter: Parameter<T>, otherwise: T): Parameter<T>
export function optional<T>(parameter: Parameter<T>, otherwise?: T): Parameter<T | undefined> {
  return {
    compile: (given, place) => (given === undefined ? () => otherwise : parameter.compile(given, place)),
  }
}

/** The text that a value is. @throws Unmappable if it is none */
export function textFrom(value: Value | undefined): string {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  return asText(value) ?? unfit(`a text is needed, not ${kindOf(value)}`)
}

/** The object that a value is. @throws Unmappable if it is none */
export function objectFrom(value: Value | undefined): JsonObject {
  return isObject(value) ? value : unfit(`an object is needed, not ${kindOf(value)}`)
}

/** @throws Unmappable: always. */
export function unfit(says: string): never {
  throw new Unmappable(says)
}

/** Whether a text needs nothing that only an entity brings. */
export function isLiteral(given: Json | undefined): given is string {
  return typeof given === 'string' && parseText(given).literal !== undefined
}

/** What `parse` makes; where it finds something malformed, that names the place. */
export function at<T>(place: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof Malformed) wrong(place, error.message)
    throw error
  }
}
