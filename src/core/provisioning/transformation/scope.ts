import type { Json } from './json.ts'
import type { Work } from './work.ts'

/** Finds the id that an entity has in the target; undefined when it has none there. */
export type Lookup = (wanted: {
  readonly entityType: 'user' | 'group'
  readonly id: string
  readonly sourceSystemName?: string
  readonly targetSystemName?: string
}) => string | undefined

/** What an expression is evaluated in. */
export interface Scope {
  /** `$` */
  readonly root: Json | undefined
  /** `@` */
  readonly item: Json | undefined
  /** `%name%`: the properties of the system. */
  readonly properties: Readonly<Record<string, string>>
  /** `${name}` */
  readonly variables: Map<string, Json>
  readonly work: Work
  /** Bytes from a cryptographically strong source. */
  readonly random: (bytes: number) => Uint8Array
  readonly lookup: Lookup | undefined
}

/** The value of a property; undefined if the system has none of this name. */
export function propertyOf(scope: Scope, name: string): string | undefined {
  return Object.hasOwn(scope.properties, name) ? scope.properties[name] : undefined
}
