import type { KeyObject } from 'node:crypto'
import { parseCertificate } from '../../crypto/certificate.ts'
import { BoundedCache } from '../cache.ts'
import { Problem } from '../problem.ts'
import type { ChangeFeed } from '../store.ts'
import type { Vault } from '../vault.ts'
import { openKey } from './key.ts'
import { noEntry } from './rules.ts'
import type { KeystoreEntry, KeystoreTable } from './store.ts'

/** What Countersign shows to others, ready to be used. */
export interface KeystoreIdentity {
  readonly tenantId: string
  /** Of the entry; with another chain or key, another object. */
  readonly entryId: string
  readonly alias: string
  readonly privateKey: KeyObject
  /** DER, the leaf first. */
  readonly chain: readonly Buffer[]
  /** Of the leaf. */
  readonly notBefore: number
  readonly notAfter: number
}

/** The key pairs of the keystore: opened on first use, kept in memory, dropped when a change of theirs is announced. */
export interface KeystoreIdentities {
  /** Without regard to case. A Problem where there is no such entry, or one without a private key. */
  find(tenantId: string, alias: string): KeystoreIdentity | Promise<KeystoreIdentity | Problem>
}

const cachedIdentities = 2000

export function createKeystoreIdentities(
  table: KeystoreTable,
  vault: Vault,
  changes: ChangeFeed,
): KeystoreIdentities {
  const cached = new BoundedCache<KeystoreIdentity>(cachedIdentities)
  // What was read before a change must not be cached after it.
  let epoch = 0
  changes.onChange(change => {
    if (!change) cached.clear()
    else if (change.kind === 'keystore') cached.deleteWhere(({ entryId }) => entryId === change.id)
    else if (change.kind === 'tenant') cached.deleteWhere(({ tenantId }) => tenantId === change.tenantId)
    else return
    epoch++
  })

  async function load(tenantId: string, alias: string): Promise<KeystoreIdentity | Problem> {
    const started = epoch
    const entry = await table.find(tenantId, alias)
    if (!entry) return noEntry(alias)
    if (!entry.sealedKey)
      return new Problem('conflict', `keystore entry ${entry.alias} is a certificate and has no private key`)
    const identity = identityOf(entry, entry.sealedKey, vault)
    if (started === epoch) cached.set(keyOf(tenantId, alias), identity)
    return identity
  }

  return {
    find: (tenantId, alias) => cached.get(keyOf(tenantId, alias)) ?? load(tenantId, alias),
  }
}

function identityOf(entry: KeystoreEntry, sealedKey: Buffer, vault: Vault): KeystoreIdentity {
  const { tenantId, id: entryId, alias, chain } = entry
  const { notBefore, notAfter } = parseCertificate(chain[0]!)
  const privateKey = openKey(sealedKey, entry, vault)
  return { tenantId, entryId, alias, chain, notBefore, notAfter, privateKey }
}

const keyOf = (tenantId: string, alias: string) => `${tenantId} ${alias.toLowerCase()}`
