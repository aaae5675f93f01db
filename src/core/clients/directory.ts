import { BoundedCache } from '../cache.ts'
import type { ChangeFeed } from '../store.ts'
import type { Client, ClientTable } from './client.ts'

/**
 * The clients as requests need them: in memory after the first use, dropped when a change of theirs is
 * announced. A cached client comes back without waiting; any other as a promise.
 */
export interface ClientDirectory {
  byClientId(tenantId: string, clientId: string): Client | Promise<Client | undefined>
  byCredentialId(credentialId: string): Client | Promise<Client | undefined>
  /** Costs as much as looking up a client that is not cached. */
  pretendLookup(tenantId: string, clientId: string): Promise<unknown>
}

const cachedClients = 20_000

export function createClientDirectory(table: ClientTable, changes: ChangeFeed): ClientDirectory {
  const byClientId = new BoundedCache<Client>(cachedClients)
  const byCredentialId = new BoundedCache<Client>(cachedClients)
  // What was read before a change must not be cached after it.
  let epoch = 0

  changes.onChange(change => {
    if (!change) {
      epoch++
      byClientId.clear()
      byCredentialId.clear()
    } else if (change.kind === 'credential') {
      epoch++
      byCredentialId.delete(change.id)
      if (change.detail) byClientId.delete(idKey(change.tenantId, change.detail))
    } else if (change.kind === 'instance' || change.kind === 'tenant') {
      epoch++
      const touched = (client: Client) =>
        change.kind === 'instance' ? client.instanceId === change.id : client.tenantId === change.id
      byClientId.deleteWhere(touched)
      byCredentialId.deleteWhere(touched)
    }
  })

  async function load(read: Promise<Client | undefined>): Promise<Client | undefined> {
    const started = epoch
    const client = await read
    if (client && started === epoch) {
      byClientId.set(idKey(client.tenantId, client.clientId), client)
      byCredentialId.set(client.credentialId, client)
    }
    return client
  }

  return {
    byClientId: (tenantId, clientId) =>
      byClientId.get(idKey(tenantId, clientId)) ?? load(table.byClientId(tenantId, clientId)),
    byCredentialId: id => byCredentialId.get(id) ?? load(table.byCredentialId(id)),
    pretendLookup: (tenantId, clientId) => table.byClientId(tenantId, clientId),
  }
}

const idKey = (tenantId: string, clientId: string) => `${tenantId} ${clientId}`
