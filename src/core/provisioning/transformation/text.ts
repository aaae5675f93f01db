import { type Json, kindOf } from './json.ts'
import { propertyOf, type Scope } from './scope.ts'
import { Unmappable } from './work.ts'

/** A text into which properties (`%name%`) and variables (`${name}`) are inserted. */
export interface Text {
  readonly source: string
  /** The text itself, if nothing is inserted into it. */
  readonly literal: string | undefined
  readonly parts: readonly Part[]
}

type Part = string | { readonly property: string } | { readonly variable: string }

const insertion = /%([A-Za-z0-9_][A-Za-z0-9_.-]{0,199})%|\$\{([A-Za-z_][A-Za-z0-9_.]{0,99})\}/y

/** Reads one insertion at a place of a text; undefined if there is none. */
export function insertionAt(
  source: string,
  at: number,
): { part: Exclude<Part, string>; end: number } | undefined {
  insertion.lastIndex = at
  const found = insertion.exec(source)
  if (!found) return undefined
  const [, property, variable] = found
  return {
    part: property === undefined ? { variable: variable! } : { property },
    end: insertion.lastIndex,
  }
}

/** Reads a text. Every text is one: what is no insertion stands for itself. */
export function parseText(source: string): Text {
  const parts: Part[] = []
  let literal = ''
  for (let at = 0; at < source.length; ) {
    const found = insertionAt(source, at)
    if (!found) {
      literal += source[at++]
      continue
    }
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push(found.part)
    at = found.end
  }
  if (literal !== '') parts.push(literal)
  return { source, literal: parts.every(part => typeof part === 'string') ? source : undefined, parts }
}

/** The text with everything inserted. @throws Unmappable for a property or variable that has no value. */
export function textOf(text: Text, scope: Scope): string {
  return joined(text, scope, part => {
    throw new Unmappable(`${nameOf(part)} has no value`)
  })
}

/** The same in a condition, where a property without value reads `null` and a variable without value is empty. */
export function textInCondition(text: Text, scope: Scope): string {
  return joined(text, scope, part => ('property' in part ? 'null' : ''))
}

function joined(text: Text, scope: Scope, missing: (part: Exclude<Part, string>) => string): string {
  if (text.literal !== undefined) return text.literal
  const inserted = text.parts.map(part =>
    typeof part === 'string' ? part : (insertedText(part, scope) ?? missing(part)),
  )
  const whole = inserted.join('')
  scope.work.spend(whole.length)
  return whole
}

function insertedText(part: Exclude<Part, string>, scope: Scope): string | undefined {
  if ('property' in part) return propertyOf(scope, part.property)
  const value = scope.variables.get(part.variable)
  if (value === undefined || value === null) return undefined
  return asText(value) ?? unfit(part.variable, value)
}

function unfit(name: string, value: Json): never {
  throw new Unmappable(`the variable ${name} holds ${kindOf(value)} and cannot be inserted into a text`)
}

function nameOf(part: Exclude<Part, string>): string {
  return 'property' in part ? `the property ${part.property}` : `the variable ${part.variable}`
}

/** A text, number or boolean as text; undefined for anything else. */
export function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}
