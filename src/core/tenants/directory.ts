import type { ChangeFeed } from '../store.ts'
import type { Tenant, TenantTable } from '../tenant.ts'

/** All tenants, in memory. */
export interface TenantDirectory {
  byName(name: string): Tenant | undefined
  /** By GUID, name or alias: GUIDs and aliases in either case. */
  byReference(reference: string): Tenant | undefined
  all(): readonly Tenant[]
  /** Waits for changes that were announced to be read. */
  settled(): Promise<void> | undefined
}

/** Reads the tenants and keeps them current. */
export async function createTenantDirectory(
  table: TenantTable,
  changes: ChangeFeed,
): Promise<TenantDirectory> {
  let byName = new Map<string, Tenant>()
  let byId = new Map<string, Tenant>()
  let reading: Promise<void> | undefined
  async function read(): Promise<void> {
    const tenants = await table.list()
    byName = new Map(tenants.map(tenant => [tenant.name, tenant]))
    byId = new Map(
      tenants.flatMap(tenant => [...tenant.aliases, tenant.guid].map(id => [id, tenant] as const)),
    )
  }
  changes.onChange(change => {
    if (change && change.kind !== 'tenant') return
    const mine = (reading ?? Promise.resolve()).then(read).finally(() => {
      if (reading === mine) reading = undefined
    })
    reading = mine
  })
  await read()
  return {
    byName: name => byName.get(name),
    byReference: reference => byId.get(reference.toLowerCase()) ?? byName.get(reference),
    all: () => [...byName.values()],
    settled: () => reading,
  }
}
