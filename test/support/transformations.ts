import { isProblem } from '../../src/core/problem.ts'
import {
  applyTransformation,
  type Json,
  type JsonObject,
  type Outcome,
  parseTransformation,
  type Surroundings,
  type Transformation,
} from '../../src/core/provisioning/transformation/index.ts'

/** 2018-02-28 09:20:49.123 UTC */
export const now = 1519809649123

export const surroundings: Surroundings = {
  properties: {},
  now,
  random: bytes => new Uint8Array(bytes),
}

/** A transformation that must be right. */
export function transformation(document: unknown, kind: 'read' | 'write' = 'write'): Transformation {
  const parsed = parseTransformation(document, kind)
  if (isProblem(parsed)) throw new Error(parsed.reason)
  return parsed
}

/** Why a transformation is refused. */
export function refusal(document: unknown, kind: 'read' | 'write' = 'write'): string {
  const parsed = parseTransformation(document, kind)
  if (!isProblem(parsed)) throw new Error('it was not refused')
  if (parsed.code !== 'invalid_input') throw new Error(parsed.code)
  return parsed.reason
}

/** What mappings of a write transformation make of a user. */
export function mapUser(
  mappings: readonly unknown[],
  user: JsonObject,
  more: Partial<Surroundings> = {},
): Outcome {
  return applyTransformation(transformation({ user: { mappings } }), 'user', user, {
    ...surroundings,
    ...more,
  })
}

/** The document that mappings make. */
export function mapped(
  mappings: readonly unknown[],
  user: JsonObject,
  more: Partial<Surroundings> = {},
): JsonObject {
  const outcome = mapUser(mappings, user, more)
  if (outcome.kind !== 'mapped') throw new Error(outcome.reason)
  return outcome.document
}

/** Why mappings make nothing. */
export function failure(
  mappings: readonly unknown[],
  user: JsonObject,
  more: Partial<Surroundings> = {},
): string {
  const outcome = mapUser(mappings, user, more)
  if (outcome.kind !== 'failed') throw new Error(`the outcome is ${JSON.stringify(outcome)}`)
  return outcome.reason
}

/** What a function makes of a value; undefined for none. */
export function applied(given: object, value: Json, more: Partial<Surroundings> = {}): Json | undefined {
  return mapped([valueMapping(given)], { value }, more).made
}

/** Why a function makes nothing of a value. */
export function unfit(given: object, value: Json, more: Partial<Surroundings> = {}): string {
  return failure([valueMapping(given)], { value }, more)
}

const valueMapping = (given: object) => ({
  ...{ sourcePath: '$.value', targetPath: '$.made', optional: true },
  ...{ preserveArrayWithSingleElement: true, functions: [given] },
})
