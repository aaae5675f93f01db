import { z } from 'zod'
import type { Problem } from '../problem.ts'
import { printable } from '../schema.ts'
import { invalid } from './invalid.ts'
import type { Document, Searchable } from './searchable.ts'

/** A search puts what it finds in order, and a cursor is a place in it. */
export interface Order {
  compare(one: Document, other: Document): number
  /** Where a document stands in this order. */
  cursor(of: Document): string
  /** The document that a cursor stands for, as far as the order looks at it. */
  at(cursor: string): Document | undefined
}

/** The order that somebody asks for; then by id, so that it is always the same. */
export function readOrder(
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
      if (other === beginning) return 1
      for (const [at, field] of fields.entries()) {
        const [a, b] = [sortValue(one, field), sortValue(other, field)]
        if (a !== b) return (a < b ? -1 : 1) * signs[at]!
      }
      return 0
    },
    // Base64, and not its form for URLs: what clients check cursors for.
    cursor: document => written([name, ...fields.map(field => sortValue(document, field))]),
    at(cursor) {
      if (cursor === beginningCursor) return beginning
      const read = cursorOf(name, fields.length).safeParse(cursor)
      return read.success ? Object.fromEntries(fields.map((field, i) => [field, read.data[i]])) : undefined
    },
  }
}

const written = (place: readonly unknown[]) => Buffer.from(JSON.stringify(place)).toString('base64')

/** The place before everything, in every order, and what stands there. */
export const beginningCursor = written([])
const beginning: Document = {}

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
