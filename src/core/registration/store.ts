/** A client as it was registered: its id was chosen, and so may have been its secret. */
export interface RegisteredClient {
  /** The credential id: random, internal, never used again. */
  readonly id: string
  readonly tenantId: string
  /** Unique in the tenant, among service keys too. */
  readonly clientId: string
  readonly description: string
  readonly generation: number
  /** Of a secret that we made; else `chosenSecret` is there. */
  readonly secretDigest: Buffer | undefined
  /** argon2id of a secret that a person chose. */
  readonly chosenSecret: string | undefined
  /** Seconds. */
  readonly tokenLifetime: number
  /** The runtime node that it is subscribed to. */
  readonly node: string
  readonly disabled: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

export interface RegisteredClientTable {
  /** By client id, in order. */
  list(tenantId: string): Promise<RegisteredClient[]>
  find(tenantId: string, clientId: string): Promise<RegisteredClient | undefined>
  count(tenantId: string): Promise<number>
  insert(client: RegisteredClient): Promise<void>
  /** Replaces everything but id, tenant, client id, generation and creation date. */
  update(client: RegisteredClient): Promise<void>
  delete(client: Pick<RegisteredClient, 'id' | 'tenantId' | 'clientId'>): Promise<void>
}

const prefix = 'oauth_client_'

/** The user as whom a registered client calls. */
export const userOf = (clientId: string): string => `${prefix}${clientId}`

/** The client id of a user; undefined: no registered client has such a user. */
export const clientIdOf = (user: string): string | undefined =>
  user.startsWith(prefix) && user.length > prefix.length ? user.slice(prefix.length) : undefined
