import { BoundedCache } from '../cache.ts'
import type { ChangeFeed } from '../store.ts'
import type { KeyMatchTable, MatchKind } from './certificates.ts'
import type { Client, ClientTable } from './client.ts'

/**
 * The clients as requests need them: in memory after the first use, dropped when a change of theirs is
 * announced. A cached client comes back without waiting; any other as a promise.
 */
export interface ClientDirectory {
  byClientId(tenantId: string, clientId: string): Client | Promise<Client | undefined>
  byCredentialId(credentialId: string): Client | Promise<Client | undefined>
  /** The client that holds a certificate, in whatever state; null: known that nobody does. */
  byCertificate(tenantId: string, thumbprint: string): Client | null | Promise<Client | undefined>
  /**
   * The client whose key names what a certificate has in its path; `several` where keys contradict each other.
   * `digests` is asked for only when the path has not been looked up before.
   */
  byMatches(
    tenantId: string,
    pathId: string,
    digests: () => readonly string[],
  ): Promise<{ readonly client: Client; readonly kind: MatchKind } | 'several' | undefined>
  /** Costs as much as looking up a client that is not cached. */
  pretendLookup(tenantId: string, clientId: string): Promise<unknown>
}

const cachedClients = 20_000

export function createClientDirectory(
  table: ClientTable,
  matches: KeyMatchTable,
  changes: ChangeFeed,
): ClientDirectory {
  const byClientId = new BoundedCache<Client>(cachedClients)
  const byCredentialId = new BoundedCache<Client>(cachedClients)
  // Strangers come again on the same connection: that nobody holds a certificate is remembered as well.
  const byCertificate = new BoundedCache<Client | null>(cachedClients)
  const byMatch = new BoundedCache<Match>(cachedClients)
  // What was read before a change must not be cached after it.
  let epoch = 0

  changes.onChange(change => {
    if (!change) {
      epoch++
      byClientId.clear()
      byCredentialId.clear()
      byCertificate.clear()
      byMatch.clear()
    } else if (change.kind === 'credential') {
      epoch++
      byCredentialId.delete(change.id)
      if (change.detail) byClientId.delete(idKey(change.tenantId, change.detail))
      byCertificate.deleteWhere(client => client === null || client.credentialId === change.id)
      byMatch.clear()
    } else if (change.kind === 'instance' || change.kind === 'tenant') {
      epoch++
      const touched = (client: Client) =>
        change.kind === 'instance' ? client.instanceId === change.id : client.tenantId === change.id
      byClientId.deleteWhere(touched)
      byCredentialId.deleteWhere(touched)
      byCertificate.deleteWhere(client => client !== null && touched(client))
      if (change.kind === 'tenant') byMatch.clear()
    }
  })

  async function load(read: Promise<Client | undefined>): Promise<Client | undefined> {
    const started = epoch
    const client = await read
    if (client && started === epoch) remember(client)
    return client
  }

  function remember(client: Client): void {
    byClientId.set(idKey(client.tenantId, client.clientId), client)
    byCredentialId.set(client.credentialId, client)
    for (const { thumbprint } of client.certificates)
      byCertificate.set(idKey(client.tenantId, thumbprint), client)
  }

  async function loadByCertificate(tenantId: string, thumbprint: string): Promise<Client | undefined> {
    const started = epoch
    const client = await load(table.byCertificate(tenantId, thumbprint))
    if (!client && started === epoch) byCertificate.set(idKey(tenantId, thumbprint), null)
    return client
  }

  async function findMatch(tenantId: string, digests: readonly string[]): Promise<Match> {
    const found = await matches.find(tenantId, digests)
    const [first] = found
    if (!first) return 'nobody'
    return found.every(({ credentialId }) => credentialId === first.credentialId) ? first : 'several'
  }

  return {
    async byMatches(tenantId, pathId, digests) {
      const key = idKey(tenantId, pathId)
      let match = byMatch.get(key)
      if (match === undefined) {
        const started = epoch
        match = await findMatch(tenantId, digests())
        if (started === epoch) byMatch.set(key, match)
      }
      if (match === 'nobody') return undefined
      if (match === 'several') return match
      const client = await (byCredentialId.get(match.credentialId) ??
        load(table.byCredentialId(match.credentialId)))
      return client && { client, kind: match.kind }
    },
    byClientId: (tenantId, clientId) =>
      byClientId.get(idKey(tenantId, clientId)) ?? load(table.byClientId(tenantId, clientId)),
    byCertificate(tenantId, thumbprint) {
      const known = byCertificate.get(idKey(tenantId, thumbprint))
      return known === undefined ? loadByCertificate(tenantId, thumbprint) : known
    },
    byCredentialId: id => byCredentialId.get(id) ?? load(table.byCredentialId(id)),
    pretendLookup: (tenantId, clientId) => table.byClientId(tenantId, clientId),
  }
}

/** What keys say about a certificate that none of them holds. */
type Match = { readonly credentialId: string; readonly kind: MatchKind } | 'several' | 'nobody'

const idKey = (tenantId: string, clientId: string) => `${tenantId} ${clientId}`
