import type { Json } from './json.ts'
import type { Pattern } from './pattern.ts'
import type { Text } from './text.ts'

/** A path into a document: the dialect of JSONPath that transformations are written in (Jayway's). */
export interface Path {
  readonly source: string
  /** `$`: the document; `@`: the element that a filter or function looks at. */
  readonly from: '$' | '@'
  readonly segments: readonly Segment[]
  /** Leads to one value at most. Other paths lead to a list of values. */
  readonly definite: boolean
}

export type Segment =
  /** `.name`, `['name']`; with several names an object of those members. */
  | { readonly kind: 'child'; readonly names: readonly Text[] }
  /** `[0]`, `[-1]` (from the end), `[0,2]` */
  | { readonly kind: 'index'; readonly indexes: readonly number[] }
  /** `[1:3]`, `[-2:]` */
  | { readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined }
  /** `[*]`, `.*` */
  | { readonly kind: 'wildcard' }
  /** `..`: the value and everything in it; the next segment is looked up in each. */
  | { readonly kind: 'descent' }
  /** `[?(...)]` */
  | { readonly kind: 'filter'; readonly condition: Condition }
  /** `.length()` */
  | { readonly kind: 'length' }

export type Condition =
  | { readonly kind: 'or' | 'and'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | { readonly kind: 'exists'; readonly operand: Operand }
  | { readonly kind: 'compare'; readonly operator: string; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'empty'; readonly operand: Operand; readonly wanted: boolean }
  | { readonly kind: 'matches'; readonly operand: Operand; readonly pattern: Pattern }
  | {
      readonly kind: 'call'
      readonly name: string
      readonly path: Path | undefined
      readonly property: string
    }

export type Operand =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'text'; readonly text: Text }
  /** Without quotes: an inserted value that reads as a literal is that literal. */
  | { readonly kind: 'inserted'; readonly text: Text }
  | { readonly kind: 'literal'; readonly value: Json }
  | { readonly kind: 'list'; readonly items: readonly Operand[] }

/** A condition with the words it was written in. */
export interface WrittenCondition {
  readonly source: string
  readonly condition: Condition
}
