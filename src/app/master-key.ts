import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { MasterKeyRotation } from '../adapters/http/services.ts'
import type { Context } from '../core/context.ts'
import type { Transactions } from '../core/store.ts'
import { type InnerKeyTable, openVault, rewrapVault, type Vault, WrongMasterKey } from '../core/vault.ts'
import type { Config } from './config.ts'
import { ConfigError } from './config.ts'
import { readFileIfThere, writeFileWhole } from './files.ts'

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
 * the key is a wrong one: the start stops there.
 */
export async function openConfiguredVault(config: Config, store: Store, context: Context): Promise<Vault> {
  const given = configuredKey(config)
  if (given) return openVault(store, given, context)
  const file = generatedFile(config)
  const existing = readFileIfThere(file)
  if (existing === undefined) {
    if ((await store.read.innerKeys.list()).length > 0)
      throw new WrongMasterKey(`${file} is missing: without it nothing in this data directory opens`)
    writeFileWhole(file, `${context.random(32).toString('base64url')}\n`)
    return openVault(store, parseMasterKey(readFileIfThere(file)!, file), context)
  }
  try {
    return await openVault(store, parseMasterKey(existing, file), context)
  } catch (error) {
    // A rotation that was interrupted after its commit has left its key beside the old one.
    const next = readFileIfThere(nextFile(config))
    if (!(error instanceof WrongMasterKey) || next === undefined) throw error
    const vault = await openVault(store, parseMasterKey(next, nextFile(config)), context)
    renameSync(nextFile(config), file)
    return vault
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
  const from = parseMasterKey(readFileIfThere(file)!, file)
  const to = parseMasterKey(text, 'the new key')
  writeFileWhole(nextFile(config), `${text}\n`)
  try {
    const rewrapped = await rewrapVault(store, from, to, context)
    renameSync(nextFile(config), file)
    return { rewrapped, next: `${file} holds the new key. Replace it in your backups.` }
  } catch (error) {
    rmSync(nextFile(config), { force: true })
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
