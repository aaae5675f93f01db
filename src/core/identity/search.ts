import { z } from 'zod'
import { Problem } from '../problem.ts'
import { printable } from '../schema.ts'

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
type TextFilter = z.infer<typeof textFilter>

const limit = z.int().min(0).max(10_000)
/** Exactly one way to page. */
const page = z.strictObject({
  from: z.int().min(0).optional(),
  limit: limit.optional(),
  after: z.string().max(2000).optional(),
  before: z.string().max(2000).optional(),
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

type Document = Readonly<Record<string, unknown>>

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What can be searched by. */
export interface Searchable {
  readonly filterFields: readonly string[]
  readonly sortFields: readonly string[]
  /** Tells documents apart, so that an order is always the same. */
  readonly idField: string
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
  const filter = readFilter(read.data.filter ?? {}, by)
  if (filter instanceof Problem) return filter
  const order = readOrder(read.data.sort ?? [], by)
  if (order instanceof Problem) return order
  const { from, limit: size = defaultLimit, after, before } = read.data.page ?? {}
  if ([from, after, before].filter(one => one !== undefined).length > 1)
    return invalid('page: give one of from, after and before')
  const found = [...documents].filter(filter).sort(order.compare)
  const start = startOf(found, { from, size, after, before }, order)
  if (start instanceof Problem) return start
  const items = found.slice(
    start,
    Math.min(start + size, before === undefined ? found.length : positionOf(found, before, order)),
  )
  return {
    items,
    page: {
      totalItems: found.length,
      hasMoreTotalItems: false,
      startCursor: items.length === 0 ? null : order.cursor(items[0]!),
      endCursor: items.length === 0 ? null : order.cursor(items.at(-1)!),
    },
  }
}

interface Order {
  compare(one: Document, other: Document): number
  /** Where a document stands in this order. */
  cursor(of: Document): string
  /** The document that a cursor stands for, as far as the order looks at it. */
  at(cursor: string): Document | undefined
}

function readOrder(
  sort: readonly { field: string; order?: string | undefined }[],
  { sortFields, idField }: Searchable,
): Order | Problem {
  for (const { field, order = 'ASC' } of sort) {
    if (!sortFields.includes(field))
      return invalid(`sort: there is no field ${printable(field)} to sort by, but ${sortFields.join(', ')}`)
    if (!/^(asc|desc)$/i.test(order)) return invalid('sort: the order is ASC or DESC')
  }
  const fields = [...new Set([...sort.map(({ field }) => field), idField])]
  const sign = (field: string) =>
    /^desc$/i.test(sort.find(one => one.field === field)?.order ?? '') ? -1 : 1
  const signs = fields.map(sign)
  // A place means something in its own order only.
  const name = fields.map((field, i) => (signs[i]! < 0 ? `-${field}` : field)).join()
  return {
    compare(one, other) {
      for (const [at, field] of fields.entries()) {
        const [a, b] = [sortValue(one, field), sortValue(other, field)]
        if (a !== b) return (a < b ? -1 : 1) * signs[at]!
      }
      return 0
    },
    // Base64, and not its form for URLs: what clients check cursors for.
    cursor: document =>
      Buffer.from(JSON.stringify([name, ...fields.map(field => sortValue(document, field))])).toString(
        'base64',
      ),
    at(cursor) {
      const read = cursorOf(name, fields.length).safeParse(cursor)
      return read.success ? Object.fromEntries(fields.map((field, i) => [field, read.data[i]])) : undefined
    },
  }
}

const cursorOf = (name: string, length: number) =>
  z
    .base64()
    .transform((cursor, context) => {
      try {
        return JSON.parse(Buffer.from(cursor, 'base64').toString('utf8')) as unknown
      } catch {
        context.addIssue({ code: 'custom', message: 'is no cursor' })
        return z.NEVER
      }
    })
    .pipe(z.tuple([z.literal(name)], z.union([z.string(), z.number()])))
    .transform(([, ...values]) => values)
    .refine(values => values.length === length)

/** Numbers as numbers, so that keys are in their own order; everything else as text. */
function sortValue(document: Document, field: string): string | number {
  const value = document[field] ?? (field === 'key' ? document.tenantId : undefined)
  if (field === 'authorizationKey') return Number(value)
  return typeof value === 'string' ? value : value === null || value === undefined ? '' : String(value)
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

function readFilter(
  filter: Readonly<Record<string, unknown>>,
  { filterFields }: Searchable,
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
    const holds = textTest(read.data)
    tests.push(document => holds(document[field]))
  }
  return document => tests.every(test => test(document))
}

function textTest(filter: TextFilter): (value: unknown) => boolean {
  if (typeof filter === 'string') return value => value === filter
  const { $eq, $neq, $exists, $in, $notIn, $like } = filter
  const isLike = $like === undefined ? undefined : likeTest($like)
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
function likeTest(pattern: string): (text: string) => boolean {
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

function wrong(issue: z.core.$ZodIssue | undefined): Problem {
  const place = issue?.path.map(String).join('.') ?? ''
  return invalid(`${place === '' ? 'the search' : place}: ${issue?.message ?? 'is not understood'}`)
}

const invalid = (says: string) => new Problem('invalid_input', says)
