import type { z } from 'zod'
import type { ContainerKind, EntityKind, MemberType, StoredEntity } from '../store.ts'

/** A kind of entity, as the published OpenAPI of Camunda 8 has it. To add one: a file beside this one and a line in `index.ts`. */
export interface Kind {
  readonly kind: EntityKind
  /** In addresses: `mapping-rules`. */
  readonly plural: string
  /** For people: `mapping rule`. */
  readonly title: string
  /** What its permissions are granted on. */
  readonly resourceType: string
  /** The member of its documents that is its id. */
  readonly idField: string
  /** What is wrong with an id; undefined: nothing. */
  wrongId(id: string): string | undefined
  /** Without the id, which is read by itself; unknown members are refused. */
  readonly create: z.ZodType
  readonly update: z.ZodType
  /** The members by which it is found and put in order, and what a search answers: the document without secrets. */
  view(entity: StoredEntity): Readonly<Record<string, unknown>>
  readonly filterFields: readonly string[]
  readonly sortFields: readonly string[]
  /** Who can be in it, if anybody. */
  readonly members?: readonly MemberType[]
}

export type Container = Kind & { readonly kind: ContainerKind; readonly members: readonly MemberType[] }
