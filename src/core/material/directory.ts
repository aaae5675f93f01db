import { BoundedCache } from '../cache.ts'
import type { Problem } from '../problem.ts'
import type { ChangeFeed } from '../store.ts'
import type { Vault } from '../vault.ts'
import { openMaterial, type SecurityMaterial } from './content.ts'
import { noMaterial } from './manage.ts'
import type { MaterialTable } from './store.ts'

/** The security material as calls need it: opened on first use, kept in memory, dropped when a change is announced. */
export interface SecurityMaterials {
  /** Without regard to case. After a change it is another object. */
  find(tenantId: string, name: string): SecurityMaterial | Promise<SecurityMaterial | Problem>
}

const cachedMaterial = 2000

export function createSecurityMaterials(
  table: MaterialTable,
  vault: Vault,
  changes: ChangeFeed,
): SecurityMaterials {
  const cached = new BoundedCache<SecurityMaterial>(cachedMaterial)
  // What was read before a change must not be cached after it.
  let epoch = 0
  changes.onChange(change => {
    if (!change) cached.clear()
    else if (change.kind === 'material') cached.deleteWhere(({ id }) => id === change.id)
    // An entry of the keystore may have been renamed.
    else if (change.kind === 'tenant' || change.kind === 'keystore')
      cached.deleteWhere(({ tenantId }) => tenantId === change.tenantId)
    else return
    epoch++
  })

  async function load(tenantId: string, name: string): Promise<SecurityMaterial | Problem> {
    const started = epoch
    const found = await table.find(tenantId, name)
    if (!found) return noMaterial(name)
    const material = openMaterial(found, vault)
    if (started === epoch) cached.set(keyOf(tenantId, name), material)
    return material
  }

  return {
    find: (tenantId, name) => cached.get(keyOf(tenantId, name)) ?? load(tenantId, name),
  }
}

const keyOf = (tenantId: string, name: string) => `${tenantId} ${name.toLowerCase()}`
