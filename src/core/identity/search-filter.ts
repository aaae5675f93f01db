import { z } from 'zod'
import type { Problem } from '../problem.ts'
import { printable } from '../schema.ts'
import { invalid } from './invalid.ts'
import type { Document, Searchable } from './searchable.ts'

/** A text, or conditions on it (published OpenAPI: StringFilterProperty). `$like`: `*` any characters, `?` one. */
const textFilter = z.union([
  z.string(),
  z.strictObject({
    $eq: z.string().optional(),
    $neq: z.string().optional(),
    $exists: z.boolean().optional(),
    $in: z.array(z.string()).max(1000).optional(),
    $notIn: z.array(z.string()).max(1000).optional(),
    $like: z.string().max(1000).optional(),
  }),
])
/** What patterns may still cost; below 0: too much, and nothing is found any more. */
export interface Work {
  left: number
}

/** Comparisons of characters for all patterns of a search: about half a second. */
export const workOfSearch = (): Work => ({ left: 100_000_000 })

type TextFilter = z.infer<typeof textFilter>

/** The test of a document that a filter stands for; all its conditions have to hold. */
export function readFilter(
  filter: Readonly<Record<string, unknown>>,
  { filterFields }: Searchable,
  work: Work,
): ((document: Document) => boolean) | Problem {
  const tests: ((document: Document) => boolean)[] = []
  for (const [field, wanted] of Object.entries(filter)) {
    if (!filterFields.includes(field))
      return invalid(
        filterFields.length === 0
          ? 'filter: there is none in this search'
          : `filter: there is no field ${printable(field)} to search by, but ${filterFields.join(', ')}`,
      )
    if (wanted === null || wanted === undefined) continue
    if (field.endsWith('Ids')) {
      const list = z.array(z.string()).max(1000).safeParse(wanted)
      if (!list.success) return invalid(`filter.${field}: write a list of texts`)
      const single = field.slice(0, -1)
      tests.push(document => list.data.includes(String(document[single])))
      continue
    }
    const read = textFilter.safeParse(wanted)
    if (!read.success)
      return invalid(
        `filter.${field}: write a text, or an object with $eq, $neq, $exists, $in, $notIn, $like`,
      )
    const holds = textTest(read.data, work)
    tests.push(document => holds(document[field]))
  }
  return document => tests.every(test => test(document))
}

function textTest(filter: TextFilter, work: Work): (value: unknown) => boolean {
  if (typeof filter === 'string') return value => value === filter
  const { $eq, $neq, $exists, $in, $notIn, $like } = filter
  const isLike = $like === undefined ? undefined : likeTest($like, work)
  return value => {
    const text = typeof value === 'string' ? value : undefined
    return (
      ($exists === undefined || $exists === (text !== undefined && text !== '')) &&
      ($eq === undefined || text === $eq) &&
      ($neq === undefined || text !== $neq) &&
      ($in === undefined || (text !== undefined && $in.includes(text))) &&
      ($notIn === undefined || text === undefined || !$notIn.includes(text)) &&
      (isLike === undefined || (text !== undefined && isLike(text)))
    )
  }
}

/** Matching in time proportional to the two lengths multiplied, whatever the pattern. */
function likeTest(pattern: string, work: Work): (text: string) => boolean {
  const tokens: { readonly any?: true; readonly one?: true; readonly is?: string }[] = []
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern[at]!
    if (sign === '\\' && at + 1 < pattern.length) tokens.push({ is: pattern[++at]! })
    else if (sign === '*') tokens.push({ any: true })
    else if (sign === '?') tokens.push({ one: true })
    else tokens.push({ is: sign })
  }
  return text => {
    let [at, token, star, mark] = [0, 0, -1, 0]
    while (at < text.length) {
      if (--work.left < 0) return false
      const wanted = tokens[token]
      if (wanted?.any) {
        star = token++
        mark = at
      } else if (wanted && (wanted.one || wanted.is === text[at])) {
        at++
        token++
      } else if (star >= 0) {
        token = star + 1
        at = ++mark
      } else return false
    }
    while (tokens[token]?.any) token++
    return token === tokens.length
  }
}
