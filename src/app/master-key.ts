import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { MasterKeyRotation } from '../adapters/http/services.ts'
import type { Context } from '../core/context.ts'
import type { Transactions } from '../core/store.ts'
import { type InnerKeyTable, openVault, rewrapVault, type Vault, WrongMasterKey } from '../core/vault.ts'
import type { Config } from './config.ts'
import { ConfigError } from './config.ts'
import { readFileIfThere, writeFileWhole, writeNewFileWhole } from './files.ts'

type Store = Transactions<{ innerKeys: InnerKeyTable }>

/** Reads 32 bytes written in base64, base64url or hex. Throws ConfigError. */
export function parseMasterKey(text: string, where: string): Buffer {
  const trimmed = text.trim()
  const bytes = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64')
  if (bytes.length === 32) return bytes
  throw new ConfigError(`${where} must hold 32 bytes in base64 or hex (make one: openssl rand -base64 32)`)
}

const generatedFile = (config: Config) => join(config.dataDir, 'master.key')
const nextFile = (config: Config) => join(config.dataDir, 'master.key.next')

/**
 * Opens the vault with the configured master key, or with the generated one in the data directory. Throws when
 * the key is a wrong one: the start stops there. `alone`: no other process of this data directory runs yet.
 */
export async function openConfiguredVault(
  config: Config,
  store: Store,
  context: Context,
  { alone }: { alone: boolean },
): Promise<Vault> {
  const given = configuredKey(config)
  if (given) return openVault(store, given, context)
  if (alone) await completeRotation(config, store, context)
  const file = generatedFile(config)
  const existing = readFileIfThere(file)
  if (existing === undefined) {
    if ((await store.read.innerKeys.list()).length > 0)
      throw new WrongMasterKey(`${file} is missing: without it nothing in this data directory opens`)
    writeFileWhole(file, `${context.random(32).toString('base64url')}\n`)
    return openVault(store, parseMasterKey(readFileIfThere(file)!, file), context)
  }
  try {
    const vault = await openVault(store, parseMasterKey(existing, file), context)
    // Of a rotation that never committed.
    if (alone) rmSync(nextFile(config), { force: true })
    return vault
  } catch (error) {
    // A rotation that has committed and not yet put its key in place, perhaps because its process was killed.
    const next = readFileIfThere(nextFile(config))
    if (!(error instanceof WrongMasterKey) || next === undefined) throw error
    return openVault(store, parseMasterKey(next, nextFile(config)), context)
  }
}

/** Completes a rotation that was interrupted after its commit: the key that opens the store takes its place. */
async function completeRotation(config: Config, store: Store, context: Context): Promise<void> {
  const next = readFileIfThere(nextFile(config))
  if (next === undefined || (await store.read.innerKeys.list()).length === 0) return
  if (await opens(parseMasterKey(next, nextFile(config)), store, context))
    renameSync(nextFile(config), generatedFile(config))
}

async function opens(key: Buffer, store: Store, context: Context): Promise<boolean> {
  try {
    await openVault(store, key, context)
    return true
  } catch (error) {
    if (error instanceof WrongMasterKey) return false
    throw error
  }
}

/**
 * Wraps the inner keys under a new master key. The generated key is replaced in its file; one from the
 * environment must be given, and the operator replaces it there.
 */
export async function rotateMasterKey(
  config: Config,
  newKey: string | undefined,
  store: Store,
  context: Context,
): Promise<MasterKeyRotation> {
  const given = configuredKey(config)
  if (given) {
    if (newKey === undefined)
      throw new ConfigError('the master key comes from the environment: give the new one with --secret-file')
    const rewrapped = await rewrapVault(store, given, parseMasterKey(newKey, 'the new key'), context)
    return { rewrapped, next: 'Replace the key in the environment of every node before its next start.' }
  }
  const file = generatedFile(config)
  const text = newKey?.trim() ?? context.random(32).toString('base64url')
  const to = parseMasterKey(text, 'the new key')
  // Also what keeps two rotations apart: the second would wrap under a key that the first has replaced.
  if (!writeNewFileWhole(nextFile(config), `${text}\n`))
    throw new ConfigError(
      'another rotation of the master key is under way; if it was interrupted, the next start completes it',
    )
  const from = parseMasterKey(readFileIfThere(file)!, file)
  try {
    const rewrapped = await rewrapVault(store, from, to, context)
    renameSync(nextFile(config), file)
    return { rewrapped, next: `${file} holds the new key. Replace it in your backups.` }
  } catch (error) {
    // Whether it was committed is not always known; then the next start finds out.
    if (await opens(from, store, context).catch(() => false)) rmSync(nextFile(config))
    throw error
  }
}

function configuredKey({ masterKey, masterKeyFile }: Config): Buffer | undefined {
  if (masterKey !== undefined) return parseMasterKey(masterKey, 'COUNTERSIGN_MASTER_KEY')
  if (masterKeyFile === undefined) return undefined
  const text = readFileIfThere(masterKeyFile)
  if (text === undefined)
    throw new ConfigError(`COUNTERSIGN_MASTER_KEY_FILE: there is no file ${masterKeyFile}`)
  return parseMasterKey(text, masterKeyFile)
}
