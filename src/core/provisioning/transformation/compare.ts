import { isList, isObject, type Json, sameJson } from './json.ts'

/** The operators between two values. What is missing is `null`, as it is in SCIM (RFC 7643 section 2.5). */
export const comparisons: Readonly<Record<string, (left: Json, right: Json) => boolean>> = {
  '==': equal,
  '!=': (left, right) => !equal(left, right),
  '===': sameJson,
  '!==': (left, right) => !sameJson(left, right),
  '<': (left, right) => ordered(left, right, (a, b) => a < b),
  '<=': (left, right) => ordered(left, right, (a, b) => a <= b),
  '>': (left, right) => ordered(left, right, (a, b) => a > b),
  '>=': (left, right) => ordered(left, right, (a, b) => a >= b),
  CONTAINS: contains,
  IN: (left, right) => isList(right) && right.some(item => equal(left, item)),
  NIN: (left, right) => isList(right) && !right.some(item => equal(left, item)),
}

/** Equal, where a number and a text are if the text is that number. */
function equal(left: Json, right: Json): boolean {
  if (typeof left === 'number' && typeof right === 'string') return isNumber(right, left)
  if (typeof left === 'string' && typeof right === 'number') return isNumber(left, right)
  return sameJson(left, right)
}

function isNumber(text: string, value: number): boolean {
  return /^-?\d/.test(text) && Number(text) === value
}

/** Only two numbers or two texts have an order; texts that of their code units, so that ISO dates compare as dates. */
function ordered(
  left: Json,
  right: Json,
  inOrder: (a: number | string, b: number | string) => boolean,
): boolean {
  const comparable =
    (typeof left === 'number' && typeof right === 'number') ||
    (typeof left === 'string' && typeof right === 'string')
  return comparable && inOrder(left, right)
}

function contains(left: Json, right: Json): boolean {
  if (isList(left)) return left.some(item => equal(item, right))
  return typeof left === 'string' && typeof right === 'string' && left.includes(right)
}

/** Nothing, an empty text, an empty list or an empty object. */
export function isEmpty(value: Json): boolean {
  if (value === null) return true
  if (typeof value === 'string' || isList(value)) return value.length === 0
  if (!isObject(value)) return false
  for (const _ in value) return false
  return true
}
