import { z } from 'zod'
import { nearestName } from './nearest.ts'
import { Problem } from './problem.ts'

/** Parts of the schemas of files that people write. Each refusal says what to write instead. */

/** An object that refuses members it does not know, and names the nearest one that it does. */
export function members<Shape extends z.core.$ZodLooseShape>(shape: Shape, example: string) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: issue =>
      issue.code === 'unrecognized_keys' ? unknownMembers(issue.keys, known) : missingOr(issue, example),
  })
}

/** A text; `wrong` says what is wrong with it and what to write, or undefined. */
export function text(example: string, wrong: (value: string) => string | undefined = () => undefined) {
  return z
    .string({ error: issue => missingOr(issue, example) })
    .superRefine((value, check) => {
      const message = wrong(value)
      if (message) check.addIssue({ code: 'custom', message })
    })
    .meta({ examples: [example] })
}

/** A whole number within bounds. */
export function whole(from: number, to: number) {
  const error = `write a whole number from ${from} to ${to}`
  return z.int({ error }).min(from, { error }).max(to, { error })
}

/** One of a few names, spelled exactly. */
export function oneOf(names: readonly string[]) {
  return z.enum(names as [string, ...string[]], { error: issue => missingOr(issue, names.join(' or ')) })
}

/** A list of at most `most`. */
export function listOf<Item extends z.ZodType>(item: Item, most: number, example: string) {
  return z
    .array(item, { error: issue => missingOr(issue, example) })
    .max(most, { error: `has too many entries, write at most ${most}` })
}

function missingOr(issue: { readonly input?: unknown }, example: string): string {
  if (issue.input === undefined) return `is missing, write ${example}`
  const quotes =
    typeof issue.input === 'number' || typeof issue.input === 'boolean'
      ? ' (in quotes, if it was meant as text)'
      : ''
  return `write ${example}${quotes}`
}

const mostNamed = 5

function unknownMembers(keys: readonly string[], known: readonly string[]): string {
  const named = keys.slice(0, mostNamed).map(key => {
    const near = nearestName(key, known)
    return `${printable(key)} is no known member, ${near ? `the nearest is ${near}` : `write ${known.join(' or ')}`}`
  })
  const more = keys.length - named.length
  return named.join('; ') + (more > 0 ? `; and ${more} more are not known` : '')
}

const mostIssues = 20

/** Names everything that is wrong, each with its place and what to write instead. `document`: what the whole is called. */
export function refusal({ issues }: z.ZodError, document: string, hint: string): Problem {
  const told = issues.slice(0, mostIssues).map(issue => `${place(issue.path, document)}: ${issue.message}`)
  const more = issues.length - told.length
  const description = [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
  return new Problem('invalid_input', description, { hint })
}

function place(path: readonly PropertyKey[], document: string): string {
  if (path.length === 0) return document
  return path
    .map(part => (typeof part === 'number' ? `[${part}]` : `.${printable(String(part))}`))
    .join('')
    .slice(1)
}

/** What of a text may stand in a problem's description (RFC 6749 section 5.2), cut to a readable length. */
export function printable(value: string): string {
  const cut = value.length > 60 ? `${value.slice(0, 60)}...` : value
  return cut.replace(/[^ !#-[\]-~]/g, '?')
}
