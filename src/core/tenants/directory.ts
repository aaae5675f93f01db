import type { ChangeFeed } from '../store.ts'
import type { Tenant, TenantTable } from '../tenant.ts'

/** All tenants, in memory. */
export interface TenantDirectory {
  byName(name: string): Tenant | undefined
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
  let reading: Promise<void> | undefined
  async function read(): Promise<void> {
    const tenants = await table.list()
    byName = new Map(tenants.map(tenant => [tenant.name, tenant]))
  }
  changes.onChange(change => {
    if (change && change.kind !== 'tenant') return
    const mine = (reading ?? Promise.resolve()).then(read).finally(() => {
      if (reading === mine) reading = undefined
    })
    reading = mine
  })
  await read()
  return { byName: name => byName.get(name), all: () => [...byName.values()], settled: () => reading }
}
