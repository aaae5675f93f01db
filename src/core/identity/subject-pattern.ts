import { RE2JS } from 're2js'
import type { CutName } from './certificate-claims.ts'

const most = 100

/**
 * A pattern for subjects (RFC 4514), whose first group is the name; it is matched in linear time. It
 * counts from the beginning of an attribute on alone: `CN=(.*?)(?:,|$)` does not find `O=CN=admin`, which its holder may
 * have chosen. Throws where it cannot be compiled.
 */
export function subjectPattern(source: string): CutName {
  const compiled = RE2JS.compile(source)
  return subject => {
    const matcher = compiled.matcher(subject)
    const found: string[] = []
    while (found.length < most && matcher.find())
      if (beginsAttribute(subject, matcher.start())) found.push(matcher.group(1) ?? matcher.group() ?? '')
    return found
  }
}

/** One that is written as such, and not as part of a value. */
function isSeparator(text: string, at: number): boolean {
  let escapes = 0
  while (text[at - 1 - escapes] === '\\') escapes++
  return (text[at] === ',' || text[at] === '+') && escapes % 2 === 0
}

const beginsAttribute = (subject: string, at: number): boolean =>
  at === 0 || isSeparator(subject, at - 1) || isSeparator(subject, at)
