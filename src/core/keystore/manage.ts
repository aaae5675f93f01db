import { limitReached } from '../broker/index.ts'
import { type Context, newId } from '../context.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { Vault } from '../vault.ts'
import { generateKeyPair, type NewKeyPair } from './generate.ts'
import { kindOf } from './inspect.ts'
import { sealKey } from './key.ts'
import { type KeyPair, readKeyPair } from './read.ts'
import type { KeyFileReading, Opening } from './readers/reader.ts'
import { checkAlias, keystoreLimits, noEntry } from './rules.ts'
import type { KeystoreEntry, KeystoreTable } from './store.ts'

export interface KeystoreManagement {
  readonly store: Transactions<{ keystore: KeystoreTable }>
  readonly vault: Vault
  readonly context: Context
  readonly readKeyFile: KeyFileReading
}

type Stored = Pick<KeystoreManagement, 'store'>

/** Makes a key pair under an alias, with a certificate that it signs itself: to be shown, or to be signed by others. */
export async function createEntry(
  tenant: Tenant,
  alias: string,
  wanted: NewKeyPair,
  deps: KeystoreManagement,
): Promise<KeystoreEntry | Problem> {
  const wrong = checkAlias(alias)
  if (wrong) return wrong
  const made = await generateKeyPair(alias, wanted, deps.context)
  return made instanceof Problem ? made : insert(tenant, alias, made, deps)
}

/** A key pair, or certificates alone, that somebody has in a file. */
export interface ImportedFile extends Partial<Opening> {
  /** PEM; or base64 of a file of any form. */
  readonly file: string
  /** Put it in the place of the entry of that alias, whose uses stay. */
  readonly replace?: boolean | undefined
}

export interface Imported {
  readonly entry: KeystoreEntry
  /** For the operator, where what was taken from the file was not the obvious. */
  readonly note: string | undefined
}

export async function importEntry(
  tenant: Tenant,
  alias: string,
  { file, passphrase, entry: named, allowNoMac, replace = false }: ImportedFile,
  deps: KeystoreManagement,
): Promise<Imported | Problem> {
  const wrong = checkAlias(alias)
  if (wrong) return wrong
  const read = await readKeyPair(file, { passphrase, entry: named, allowNoMac }, deps.readKeyFile)
  if (read instanceof Problem) return read
  const entry = await (replace ? replaceBy(tenant, alias, read, deps) : insert(tenant, alias, read, deps))
  return entry instanceof Problem ? entry : { entry, note: read.note }
}

async function insert(
  tenant: Tenant,
  alias: string,
  { privateKey, chain }: KeyPair,
  { store, vault, context }: KeystoreManagement,
): Promise<KeystoreEntry | Problem> {
  const owner = { id: newId(context), tenantId: tenant.id }
  const now = context.now()
  const entry: KeystoreEntry = {
    ...owner,
    alias,
    chain: chain.map(({ raw }) => raw),
    sealedKey: privateKey && sealKey(privateKey, owner, vault),
    notAfter: chain[0]!.notAfter,
    createdAt: now,
    updatedAt: now,
  }
  return store.write(async ({ keystore }) => {
    const taken = await keystore.find(tenant.id, alias)
    if (taken) return isTaken(taken)
    if ((await keystore.count(tenant.id)) >= keystoreLimits.perTenant)
      return limitReached('keystore entries of a tenant', keystoreLimits.perTenant)
    await keystore.insert(entry)
    return entry
  })
}

async function replaceBy(
  tenant: Tenant,
  alias: string,
  { privateKey, chain }: KeyPair,
  { store, vault, context }: KeystoreManagement,
): Promise<KeystoreEntry | Problem> {
  return store.write(async ({ keystore }) => {
    const current = await keystore.find(tenant.id, alias)
    if (!current) return noEntry(alias)
    const entry: KeystoreEntry = {
      ...current,
      chain: chain.map(({ raw }) => raw),
      sealedKey: privateKey && sealKey(privateKey, current, vault),
      notAfter: chain[0]!.notAfter,
      updatedAt: context.now(),
    }
    if (kindOf(entry) !== kindOf(current))
      return new Problem(
        'conflict',
        current.sealedKey
          ? `entry ${current.alias} is a key pair, and the file holds no private key`
          : `entry ${current.alias} is a certificate, and the file holds a private key`,
      )
    await keystore.update(entry)
    return entry
  })
}

export async function renameEntry(
  tenant: Tenant,
  alias: string,
  to: string,
  { store, context }: Stored & { readonly context: Pick<Context, 'now'> },
): Promise<KeystoreEntry | Problem> {
  const wrong = checkAlias(to)
  if (wrong) return wrong
  return store.write(async ({ keystore }) => {
    const current = await keystore.find(tenant.id, alias)
    if (!current) return noEntry(alias)
    const taken = await keystore.find(tenant.id, to)
    if (taken && taken.id !== current.id) return isTaken(taken)
    const entry = { ...current, alias: to, updatedAt: context.now() }
    await keystore.update(entry)
    return entry
  })
}

/** Deletes an entry that nothing uses, with its key, which nobody has a copy of. */
export async function deleteEntry(
  tenant: Tenant,
  alias: string,
  { store }: Stored,
): Promise<KeystoreEntry | Problem> {
  return store.write(async ({ keystore }) => {
    const entry = await keystore.find(tenant.id, alias)
    if (!entry) return noEntry(alias)
    const users = await keystore.usedBy(entry.id)
    if (users.length > 0)
      return new Problem(
        'conflict',
        `keystore entry ${entry.alias} is used by security material ${shorten(users)}`,
        { hint: 'Delete that first, or replace it: `countersign material create NAME --replace`.' },
      )
    await keystore.delete(entry)
    return entry
  })
}

export async function findEntry(
  tenant: Tenant,
  alias: string,
  { store }: Stored,
): Promise<KeystoreEntry | Problem> {
  return (await store.read.keystore.find(tenant.id, alias)) ?? noEntry(alias)
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ')
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown
}

const isTaken = ({ alias }: KeystoreEntry): Problem =>
  new Problem(
    'conflict',
    `the keystore has an entry ${alias} already, and aliases must differ in more than case`,
    {
      hint: 'Choose another alias, or rename or delete that one; a successor takes its place with import --replace.',
    },
  )
