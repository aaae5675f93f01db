import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { Vault } from '../vault.ts'
import type { KeystoreEntry } from './store.ts'

type Owner = Pick<KeystoreEntry, 'id' | 'tenantId'>

/** What an entry's key is sealed as: in another tenant, or of another entry, it does not open. */
export const keystoreKeyContext = ({ tenantId, id }: Owner): string =>
  `countersign keystore key ${tenantId} ${id}`

export const sealKey = (key: KeyObject, owner: Owner, vault: Vault): Buffer =>
  vault.seal(keystoreKeyContext(owner), key.export({ format: 'der', type: 'pkcs8' }))

/** Throws when it was tampered with. */
export const openKey = (sealed: Buffer, owner: Owner, vault: Vault): KeyObject =>
  createPrivateKey({ key: vault.open(keystoreKeyContext(owner), sealed), format: 'der', type: 'pkcs8' })
