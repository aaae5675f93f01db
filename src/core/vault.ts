import { open, seal } from '../crypto/seal.ts'
import { type Context, newId } from './context.ts'
import type { Transactions } from './store.ts'

/**
 * The inner keys: made once, kept sealed under the master key, which does nothing else. Rotating the master key
 * therefore rewraps a handful of rows and touches no secret, token or signing key.
 */
export interface Vault {
  /** Keys the digests of client secrets. */
  readonly pepper: Buffer
  /** Keys the tokens of the flows' CSRF protection. */
  readonly csrf: Buffer
  /** Seals a value for storage; `context` says what it is and whose. */
  seal(context: string, plain: Buffer): Buffer
  /** Opens what `seal` made in the same context; throws when it was tampered with. */
  open(context: string, sealed: Buffer): Buffer
}

export interface InnerKey {
  readonly id: string
  readonly purpose: string
  readonly sealed: Buffer
  readonly createdAt: number
}

export interface InnerKeyTable {
  list(): Promise<InnerKey[]>
  insert(key: InnerKey): Promise<void>
  replaceSealed(id: string, sealed: Buffer): Promise<void>
}

type Tables = { innerKeys: InnerKeyTable }

const purposes = ['pepper', 'csrf', 'storage'] as const

/** The master key does not open what this store holds. */
export class WrongMasterKey extends Error {
  override name = 'WrongMasterKey'
}

/**
 * Opens the inner keys, making those that are missing. Throws WrongMasterKey when one does not open: the start
 * must stop there, before anything new is sealed under another key.
 */
export async function openVault(
  store: Transactions<Tables>,
  masterKey: Buffer,
  context: Context,
): Promise<Vault> {
  const keys = await store.write(async ({ innerKeys }) => {
    const rows = await innerKeys.list()
    const opened = new Map(rows.map(row => [row.purpose, unwrap(masterKey, row)]))
    for (const purpose of purposes) {
      if (opened.has(purpose)) continue
      const key = context.random(32)
      const id = newId(context)
      const sealed = seal(masterKey, wrapContext({ id, purpose }), key, context.random(12))
      await innerKeys.insert({ id, purpose, sealed, createdAt: context.now() })
      opened.set(purpose, key)
    }
    return opened
  })
  const storage = keys.get('storage')!
  return {
    pepper: keys.get('pepper')!,
    csrf: keys.get('csrf')!,
    seal: (what, plain) => seal(storage, what, plain, context.random(12)),
    open(what, sealed) {
      const plain = open(storage, what, sealed)
      if (!plain) throw new Error(`sealed value does not open: ${what}`)
      return plain
    },
  }
}

/** Wraps every inner key under the new master key, all or none. The old one opens nothing afterwards. */
export async function rewrapVault(
  store: Transactions<Tables>,
  from: Buffer,
  to: Buffer,
  context: Context,
): Promise<number> {
  return store.write(async ({ innerKeys }) => {
    const rows = await innerKeys.list()
    for (const row of rows) {
      const sealed = seal(to, wrapContext(row), unwrap(from, row), context.random(12))
      await innerKeys.replaceSealed(row.id, sealed)
    }
    return rows.length
  })
}

function unwrap(masterKey: Buffer, row: InnerKey): Buffer {
  const key = open(masterKey, wrapContext(row), row.sealed)
  if (!key) throw new WrongMasterKey('the master key does not open the keys of this store')
  return key
}

function wrapContext(row: { id: string; purpose: string }): string {
  return `countersign inner key ${row.purpose} ${row.id}`
}
