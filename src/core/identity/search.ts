import { z } from 'zod'
import { Problem } from '../problem.ts'
import { invalid } from './invalid.ts'
import { readFilter, workOfSearch } from './search-filter.ts'
import { beginningCursor, type Order, readOrder } from './search-order.ts'
import type { Document, Searchable } from './searchable.ts'

/** More than the longest texts that one can sort by take. */
const cursor = z.string().max(64 * 1024)
const limit = z.int().min(0).max(10_000)
/** Exactly one way to page. */
const page = z.strictObject({
  from: z.int().min(0).optional(),
  limit: limit.optional(),
  after: cursor.optional(),
  before: cursor.optional(),
})

const body = z.strictObject({
  page: page.nullish(),
  sort: z
    .array(z.strictObject({ field: z.string(), order: z.string().optional() }))
    .max(10)
    .nullish(),
  // As it came: a record of zod would leave out `__proto__` without a word.
  filter: z.custom<Readonly<Record<string, unknown>>>(isObject, 'is an object').nullish(),
})

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export interface SearchResult {
  readonly items: readonly Document[]
  readonly page: {
    readonly totalItems: number
    readonly hasMoreTotalItems: boolean
    readonly startCursor: string | null
    readonly endCursor: string | null
  }
}

const defaultLimit = 100

/** Searches documents as the published OpenAPI says: filter, order, page by position or by cursor. */
export function search(
  documents: Iterable<Document>,
  given: unknown,
  by: Searchable,
): SearchResult | Problem {
  const read = body.safeParse(given ?? {})
  if (!read.success) return wrong(read.error.issues[0])
  const work = workOfSearch()
  const filter = readFilter(read.data.filter ?? {}, by, work)
  if (filter instanceof Problem) return filter
  const order = readOrder(read.data.sort ?? [], by)
  if (order instanceof Problem) return order
  const { from, limit: size = defaultLimit, after, before } = read.data.page ?? {}
  if ([from, after, before].filter(one => one !== undefined).length > 1)
    return invalid('page: give one of from, after and before')
  const found = [...documents].filter(filter)
  if (work.left < 0) return invalid('filter: $like takes too long with that pattern: write a shorter one')
  found.sort(order.compare)
  const start = startOf(found, { from, size, after, before }, order)
  if (start instanceof Problem) return start
  const items = found.slice(
    start,
    Math.min(start + size, before === undefined ? found.length : positionOf(found, before, order)),
  )
  // Clients of 8.8 take no null. Only a search that asks for no place is given one where it found nothing: whoever goes
  // on as long as there is a cursor comes to an end.
  const place = found.length === 0 && (after ?? before) === undefined ? beginningCursor : null
  return {
    items,
    page: {
      totalItems: found.length,
      hasMoreTotalItems: false,
      startCursor: items.length === 0 ? place : order.cursor(items[0]!),
      endCursor: items.length === 0 ? place : order.cursor(items.at(-1)!),
    },
  }
}

function startOf(
  found: readonly Document[],
  {
    from,
    size,
    after,
    before,
  }: { from: number | undefined; size: number; after: string | undefined; before: string | undefined },
  order: Order,
): number | Problem {
  const cursor = after ?? before
  if (cursor === undefined) return from ?? 0
  const document = order.at(cursor)
  if (!document)
    return invalid('page: the cursor is none of this search: take one from an answer with the same sort')
  if (before !== undefined) return Math.max(0, positionOf(found, before, order) - size)
  const at = found.findIndex(one => order.compare(one, document) > 0)
  return at < 0 ? found.length : at
}

/** How many stand before a cursor. */
function positionOf(found: readonly Document[], cursor: string, order: Order): number {
  const document = order.at(cursor)!
  const at = found.findIndex(one => order.compare(one, document) >= 0)
  return at < 0 ? found.length : at
}

function wrong(issue: z.core.$ZodIssue | undefined): Problem {
  const place = issue?.path.map(String).join('.') ?? ''
  return invalid(`${place === '' ? 'the search' : place}: ${issue?.message ?? 'is not understood'}`)
}
