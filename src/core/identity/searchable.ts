/** What is searched through. */
export type Document = Readonly<Record<string, unknown>>

/** What can be searched by. */
export interface Searchable {
  readonly filterFields: readonly string[]
  readonly sortFields: readonly string[]
  /** Tells documents apart, so that an order is always the same. */
  readonly idField: string
}
