import { type Matcher, RE2JS } from 're2js'
import type { Scope } from './scope.ts'
import { type Text, textInCondition, textOf } from './text.ts'
import { boundedText, maxText, Unmappable } from './work.ts'

/** The longest text that a regular expression looks at. */
export const maxMatched = 10_000
const maxPattern = 2000

/**
 * A regular expression whose source may hold insertions. It is matched in linear time: patterns that only a
 * backtracking engine can match (back references, looking around, possessive quantifiers) are refused.
 */
export interface Pattern {
  readonly source: Text
  readonly flags: number
  /** Of the last source that insertions led to, which rarely changes: properties are those of one system. */
  readonly memo: { source?: string; compiled?: RE2JS }
}

const flagNames: Readonly<Record<string, number>> = {
  i: RE2JS.CASE_INSENSITIVE,
  s: RE2JS.DOTALL,
  m: RE2JS.MULTILINE,
  u: 0,
}

/** Why these flags cannot be had; undefined if they can. */
export function wrongFlags(flags: string): string | undefined {
  const unknown = [...flags].find(flag => flagNames[flag] === undefined)
  return unknown === undefined
    ? undefined
    : `there is no flag ${unknown}, write some of ${Object.keys(flagNames).join('')}`
}

/** A pattern, and why it is none if it has no insertion and cannot be compiled. */
export function patternOf(source: Text, flags = ''): { pattern: Pattern; wrong: string | undefined } {
  const bits = [...flags].reduce((sum, flag) => sum | (flagNames[flag] ?? 0), 0)
  const pattern = { source, flags: bits, memo: {} }
  const literal = source.literal
  if (literal === undefined) return { pattern, wrong: undefined }
  const compiled = compile(literal, bits)
  if (typeof compiled === 'string') return { pattern, wrong: compiled }
  pattern.memo = { source: literal, compiled }
  return { pattern, wrong: undefined }
}

function compile(source: string, flags: number): RE2JS | string {
  if (source.length > maxPattern) return `a regular expression has at most ${maxPattern} characters`
  try {
    return RE2JS.compile(withoutJavaClasses(source), flags)
  } catch (error) {
    return `this is no regular expression that can be matched in linear time (${(error as Error).message})`
  }
}

const javaClass =
  /\\([pP])\{(Lower|Upper|ASCII|Alpha|Digit|Alnum|Punct|Graph|Print|Blank|Cntrl|XDigit|Space)\}|\\[\s\S]|\[\^?\]?|\]/g

/** Java's `\p{Punct}` and the like as POSIX writes them, which RE2 knows. */
function withoutJavaClasses(source: string): string {
  let inside = false
  return source.replace(javaClass, (found, letter: string | undefined, name: string | undefined) => {
    if (name !== undefined) {
      const members = `[:${letter === 'P' ? '^' : ''}${name.toLowerCase()}:]`
      return inside ? members : `[${members}]`
    }
    if (!found.startsWith('\\')) inside = found !== ']'
    return found
  })
}

function compiled(pattern: Pattern, source: string): RE2JS {
  if (pattern.memo.source === source && pattern.memo.compiled) return pattern.memo.compiled
  const made = compile(source, pattern.flags)
  if (typeof made === 'string')
    throw new Unmappable(`${pattern.source.source}: this is no regular expression with what is inserted`)
  pattern.memo.source = source
  pattern.memo.compiled = made
  return made
}

function matcherOf(pattern: Pattern, source: string, input: string, scope: Scope): Matcher {
  if (input.length > maxMatched)
    throw new Unmappable(`a text is longer than the ${maxMatched} characters that are matched`)
  const expression = compiled(pattern, source)
  spendScan(expression, input.length, scope)
  return expression.matcher(input)
}

/** Reading a text may cost each character as many steps as the expression has, of which most stand still. */
function spendScan(expression: RE2JS, characters: number, scope: Scope): void {
  scope.work.spend(Math.ceil((characters * (4 + expression.programSize())) / 4))
}

/** Whether the whole text matches, in a condition. */
export function conditionMatches(pattern: Pattern, input: string, scope: Scope): boolean {
  return matcherOf(pattern, textInCondition(pattern.source, scope), input, scope).matches()
}

/** Whether the whole text matches. */
export function matches(pattern: Pattern, input: string, scope: Scope): boolean {
  return matcherOf(pattern, textOf(pattern.source, scope), input, scope).matches()
}

/** A group of the match of the whole text; undefined if it does not match or the group took no part. */
export function matchedGroup(
  pattern: Pattern,
  input: string,
  group: number,
  scope: Scope,
): string | undefined {
  const matcher = matcherOf(pattern, textOf(pattern.source, scope), input, scope)
  if (group > matcher.groupCount())
    throw new Unmappable(`${pattern.source.source} has no group ${group}, but ${matcher.groupCount()}`)
  return matcher.matches() ? (matcher.group(group) ?? undefined) : undefined
}

/**
 * The text with the first, the last or all matches replaced. In the replacement `$1` stands for the first group and a
 * backslash takes the meaning from the character behind it, as in Java.
 */
export function replaced(
  which: 'first' | 'last' | 'all',
  pattern: Pattern,
  input: string,
  replacement: string,
  scope: Scope,
): string {
  const matcher = matcherOf(pattern, textOf(pattern.source, scope), input, scope)
  const found: { start: number; end: number; groups: readonly string[] }[] = []
  while (matcher.find()) {
    // The next search may read to the end before it knows that a short match is the longest.
    spendScan(matcher.pattern(), input.length - matcher.end(), scope)
    if (which === 'last') found.length = 0
    const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, at) => matcher.group(at) ?? '')
    scope.work.spend(groups.length)
    found.push({ start: matcher.start(), end: matcher.end(), groups })
    if (which === 'first') break
  }
  const pieces: string[] = []
  let from = 0
  let length = input.length
  for (const { start, end, groups } of found) {
    const instead = expanded(replacement, groups)
    length += instead.length
    if (length > 2 * maxText) break
    pieces.push(input.slice(from, start), instead)
    from = end
  }
  return boundedText(pieces.join('') + input.slice(from), scope.work)
}

function expanded(replacement: string, groups: readonly string[]): string {
  return replacement.replace(/\\([\s\S])|\$(\d)/g, (_, escaped?: string, group?: string) => {
    if (escaped !== undefined) return escaped
    const text = groups[Number(group)]
    if (text === undefined)
      throw new Unmappable(`the replacement names $${group}, and there is no such group`)
    return text
  })
}
