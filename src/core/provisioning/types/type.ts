import type { TokenClientOptions } from '../../../client/index.ts'
import type { OutboundAccess } from '../../calls.ts'
import type { Context } from '../../context.ts'
import type { SystemHttp } from '../http.ts'
import type { SystemRole } from '../store.ts'
import type { OpenedSystem } from '../systems/opened.ts'
import type { EntityType, JsonObject } from '../transformation/index.ts'
import type { PropertySpec } from './property.ts'

/** A type of system. To add one: a file beside this one and a line in `index.ts`. */
export interface SystemType {
  readonly name: string
  readonly title: string
  readonly roles: readonly SystemRole[]
  readonly properties: readonly PropertySpec[]
  /** What the entities are made of when nobody wrote another transformation. */
  readonly readTransformation: unknown
  readonly writeTransformation: unknown
  /** What has to be there before the system can be used, and is not. */
  missing(properties: Readonly<Record<string, string>>): readonly string[]
  connect(system: OpenedSystem, deps: ConnectorDependencies): Connector
}

export interface ConnectorDependencies {
  readonly http: SystemHttp
  readonly files: SourceFiles
  readonly outbound: OutboundAccess
  /** PEM of what this computer trusts. */
  readonly publicRoots: () => readonly string[]
  readonly lookup: TokenClientOptions['lookup']
  readonly context: Context
  /** Waits so many milliseconds; rejects when the signal fires. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
  /** Fires when the job is to stop. */
  readonly signal: AbortSignal
}

/** Files that sources are read from. */
export interface SourceFiles {
  /** A file in the tenant's folder. Throws SystemFailure for one that is not there, or too large. */
  read(tenantName: string, name: string): Promise<Buffer>
  /** Where that folder is, for people. */
  folder(tenantName: string): string
}

/** A system in use. Its methods throw SystemFailure. */
export interface Connector {
  /** What it has. */
  readonly entityTypes: readonly EntityType[]
  /** Reaches the system, as it would for a job, and changes nothing. Returns what it found, for people. */
  check(): Promise<string>
  /** Gets a token, as for a job; returns where from, for people, or undefined where none is needed. */
  checkToken?(): Promise<string | undefined>
  /** `check` shows that it answers and takes the credentials; whether it speaks SCIM shows in a job. */
  readonly isOnlyReached?: boolean
  /** All entities, or those that changed after a time of the source; returns how the read ended. */
  read?(type: EntityType, since: string | undefined): AsyncGenerator<readonly JsonObject[], ReadEnd>
  /**
   * An entity as a read would give it now; undefined: it would not. Asked before anything is deleted, because pages
   * that shift while they are read leave entities out without a sign.
   */
  readOne?(type: EntityType, id: string): Promise<JsonObject | undefined>
  /** undefined: nothing can be written to it. */
  readonly writer?: Writer
  close(): void
}

/** How a read ended. */
export interface ReadEnd {
  /** Why it cannot be relied on to be all there is; undefined: it can. */
  readonly doubt: string | undefined
  /** A time of the source from which the next delta read takes in everything; undefined: it knows no such time. */
  readonly asOf: string | undefined
}

export interface FoundEntity {
  readonly id: string
  /** When it was made, by the clock of the system; undefined: it does not say. */
  readonly createdAt: number | undefined
  /** As it is in the system. */
  readonly document: JsonObject
}

export interface Writer {
  /**
   * Returns the id in the target. `found`: it was there before, and nothing was written. `lost`: it was found after
   * an answer had been lost, and may have been made by the call, or have been there before.
   */
  create(
    type: EntityType,
    entity: JsonObject,
  ): Promise<{ readonly id: string; readonly found: boolean; readonly lost?: FoundEntity }>
  /** false: it is not there. */
  update(type: EntityType, id: string, entity: JsonObject): Promise<boolean>
  delete(type: EntityType, id: string): Promise<void>
  /** The one that has what makes an entity unique. */
  find(type: EntityType, entity: JsonObject): Promise<FoundEntity | undefined>
  /** The entity as it is. */
  get(type: EntityType, id: string): Promise<JsonObject | undefined>
}
