/** What the identity service keeps beside memberships. Each kind is a file in `kinds`. */
export const entityKinds = ['user', 'role', 'group', 'tenant', 'mapping-rule', 'authorization'] as const
export type EntityKind = (typeof entityKinds)[number]

/** An entity of the identity service, as it is stored. */
export interface StoredEntity {
  /** The tenant of Countersign that it belongs to; the identity service has tenants of its own. */
  readonly tenantId: string
  readonly kind: EntityKind
  /** Unique among its kind. */
  readonly id: string
  /** As its kind defines it. */
  readonly content: Readonly<Record<string, unknown>>
  readonly createdAt: number
}

/** Who can be a member. Clients are known to those who issue tokens, not here: they are ids alone. */
export const memberTypes = ['user', 'client', 'group', 'mapping-rule', 'role'] as const
export type MemberType = (typeof memberTypes)[number]
/** What one can be a member of. */
export type ContainerKind = 'role' | 'group' | 'tenant'

export interface Membership {
  readonly tenantId: string
  readonly container: ContainerKind
  readonly containerId: string
  readonly member: MemberType
  readonly memberId: string
}

export interface IdentityTable {
  /** All of a tenant of Countersign. */
  entities(tenantId: string): Promise<StoredEntity[]>
  memberships(tenantId: string): Promise<Membership[]>
  find(tenantId: string, kind: EntityKind, id: string): Promise<StoredEntity | undefined>
  has(membership: Membership): Promise<boolean>
  /** Inserts or replaces. */
  put(entity: StoredEntity): Promise<void>
  /** With its memberships: those of others in it, and its own. */
  delete(entity: Pick<StoredEntity, 'tenantId' | 'kind' | 'id'>): Promise<void>
  add(membership: Membership): Promise<void>
  remove(membership: Membership): Promise<void>
  /** Authorizations of an owner. */
  ownedBy(tenantId: string, ownerType: string, ownerId: string): Promise<StoredEntity[]>
  /** Counts up, and never gives a number twice. */
  nextKey(tenantId: string): Promise<number>
  /** The last number that was given; 0: none ever was. */
  lastKey(tenantId: string): Promise<number>
}

/** The id in the announcement that all sessions of a tenant have ended. */
export const everySession = '*'

/** A session of a browser, as it is stored: whoever has the database has nothing to sign in with. */
export interface StoredSession {
  /** SHA-256 of what the cookie holds. */
  readonly digest: string
  readonly tenantId: string
  /** Who has signed in, sealed by the vault. */
  readonly sealed: Buffer
  readonly createdAt: number
  /** Put off with use. */
  readonly expiresAt: number
}

export interface SessionTable {
  find(digest: string): Promise<StoredSession | undefined>
  insert(session: StoredSession): Promise<void>
  putOff(digest: string, expiresAt: number): Promise<void>
  delete(session: Pick<StoredSession, 'digest' | 'tenantId'>): Promise<void>
  deleteExpired(now: number): Promise<void>
  /** Those of a tenant. */
  clear(tenantId: string): Promise<void>
}

/** The tables that the identity service needs. */
export interface IdentityTables {
  readonly sessions: SessionTable
  readonly identity: IdentityTable
}
