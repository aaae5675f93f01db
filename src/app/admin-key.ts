import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Services } from '../adapters/http/services.ts'
import { apiRoles, createInstance, createKey, deleteKey, keyUrls } from '../core/broker/index.ts'
import { isProblem, type Problem } from '../core/problem.ts'
import type { Tenant } from '../core/tenant.ts'
import { readFileIfThere, writeFileWhole } from './files.ts'

/** The administrator's instance, in tenant `default`, and the name of the key that the first start makes. */
export const adminInstance = 'countersign-admin'
export const firstAdminKey = 'admin'

export const adminFile = (dataDir: string) => join(dataDir, 'admin.json')

/** There while a first key is being made: a start that was interrupted meanwhile is completed by the next one. */
const unfinishedFile = (dataDir: string) => `${adminFile(dataDir)}.unfinished`

/**
 * Sees to the administrator's service key: made at the first start, made anew (the old secret dies) when its file
 * is missing and it was never replaced; otherwise only its addresses are renewed.
 */
export async function ensureAdminKey(services: Services, tenant: Tenant, dataDir: string): Promise<void> {
  const { store, context } = services
  const path = adminFile(dataDir)
  const instance = await store.read.instances.find(tenant.id, adminInstance)
  const keys = instance ? await store.read.keys.list(instance.id) : []
  const file = readDocument(path)
  const key = keys.find(k => k.clientId === file?.clientid)
  if (instance && key && file) {
    writeDocument(path, { ...file, ...keyUrls(key, instance, tenant, services) })
    rmSync(unfinishedFile(dataDir), { force: true })
    return
  }
  const first = keys.find(k => k.name === firstAdminKey)
  const unfinished = readFileIfThere(unfinishedFile(dataDir)) !== undefined
  if (instance && !unfinished && !first) {
    context.log.info(
      { file: path },
      'the first administrator key was replaced or removed; its file is left alone',
    )
    return
  }
  if (instance && !unfinished && file) {
    context.log.warn(
      { file: path },
      'this file holds a key that does not exist; use `--credentials` or remove it',
    )
    return
  }
  writeFileWhole(unfinishedFile(dataDir), '')
  const made = await makeFirstKey(
    { withInstance: !instance, replacing: first !== undefined },
    tenant,
    services,
  )
  if (isProblem(made)) {
    if (made.code !== 'conflict' && made.code !== 'not_found') throw new Error(made.description)
    rmSync(unfinishedFile(dataDir))
    context.log.info(
      { file: path },
      'another node is making the administrator key; its data directory has it',
    )
    return
  }
  writeDocument(path, made.document)
  rmSync(unfinishedFile(dataDir))
  if (first)
    context.log.warn(
      { file: path },
      'the administrator key was missing and was made anew; the old secret is dead',
    )
}

/** A conflict, or a key that is not there any more, comes from another node that does the same at the same time. */
async function makeFirstKey(
  { withInstance, replacing }: { withInstance: boolean; replacing: boolean },
  tenant: Tenant,
  services: Services,
) {
  if (withInstance) {
    const parameters = { roles: apiRoles.map(role => role.name) }
    const instance = await createInstance(tenant, { name: adminInstance, plan: 'api', parameters }, services)
    if (isProblem(instance)) return instance
  }
  if (replacing) {
    const deleted = await deleteKey(tenant, adminInstance, firstAdminKey, services)
    if (isProblem(deleted)) return deleted
  }
  return createKey(tenant, adminInstance, firstAdminKey, {}, services)
}

type KeyFile = Record<string, unknown> & { clientid?: unknown }

function readDocument(path: string): KeyFile | undefined {
  const text = readFileIfThere(path)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as KeyFile) : {}
  } catch {
    return {}
  }
}

function writeDocument(path: string, document: object): void {
  writeFileWhole(path, `${JSON.stringify(document, null, 2)}\n`)
}

/** For what cannot be refused unless the program is wrong. */
export function orThrow<Value>(value: Value | Problem): Value {
  if (isProblem(value)) throw new Error(value.description)
  return value
}
