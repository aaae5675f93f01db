import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Services } from '../adapters/http/services.ts'
import {
  apiRoles,
  createInstance,
  createKey,
  deleteKey,
  type Instance,
  keyUrls,
  type ServiceKey,
} from '../core/broker/index.ts'
import { isProblem, type Problem } from '../core/problem.ts'
import type { Tenant } from '../core/tenant.ts'
import type { Config } from './config.ts'
import { adminFile } from './data-directory.ts'
import { readFileIfThere, writeFileWhole } from './files.ts'

/** The administrator's instance, in tenant `default`, and the name of the key that the first start makes. */
export const adminInstance = 'countersign-admin'
export const firstAdminKey = 'admin'

/**
 * The client id of the first key that this data directory has made. Empty while it is being made: a start that was
 * interrupted meanwhile is completed by the next one.
 */
const madeFile = (dataDir: string) => join(dataDir, 'admin.made')

/**
 * Sees to the administrator's service key: made at the first start, made anew (the old secret dies) when its file
 * is missing and it was never replaced; otherwise only its addresses are renewed. Nodes that share a database have
 * one key: a data directory that has not made it never kills it (docs/decisions/0011).
 */
export async function ensureAdminKey(
  services: Services,
  tenant: Tenant,
  config: Pick<Config, 'dataDir' | 'databaseUrl'>,
): Promise<void> {
  const { log } = services.context
  const path = adminFile(config.dataDir)
  const mark = madeFile(config.dataDir)
  const found = await look(services, tenant, config)
  const { instance, first, file, current } = found
  if (instance && current && file) {
    writeDocument(path, { ...file, ...keyUrls(current, instance, tenant, services) })
    if (found.made === '') writeFileWhole(mark, current.clientId)
    return
  }
  const left = whyLeftAlone(found)
  if (left) return log[left.level]({ file: path, mark }, left.message)

  writeFileWhole(mark, '')
  const made = await makeFirstKey({ withInstance: !instance, replacing: !!first }, tenant, services)
  if (isProblem(made)) {
    if (made.code !== 'conflict' && made.code !== 'not_found') throw new Error(made.description)
    rmSync(mark)
    log.info({ file: path }, 'another node is making the administrator key; its data directory has it')
    return
  }
  writeDocument(path, made.document)
  writeFileWhole(mark, made.document.clientid)
  if (first)
    log.warn({ file: path }, 'the administrator key was missing and was made anew; the old secret is dead')
}

interface Found {
  readonly instance: Instance | undefined
  /** The key that the first start of any node has made; undefined once it was replaced or removed. */
  readonly first: ServiceKey | undefined
  readonly file: KeyFile | undefined
  /** The key that the file holds, where it exists. */
  readonly current: ServiceKey | undefined
  /** What `madeFile` says. */
  readonly made: string | undefined
  /** Do other nodes use the database? */
  readonly shared: boolean
}

async function look(
  { store }: Services,
  tenant: Tenant,
  { dataDir, databaseUrl }: Pick<Config, 'dataDir' | 'databaseUrl'>,
): Promise<Found> {
  const instance = await store.read.instances.find(tenant.id, adminInstance)
  const keys = instance ? await store.read.keys.list(instance.id) : []
  const file = readDocument(adminFile(dataDir))
  return {
    instance,
    first: keys.find(key => key.name === firstAdminKey),
    file,
    current: keys.find(key => key.clientId === file?.clientid),
    made: readFileIfThere(madeFile(dataDir)),
    shared: databaseUrl !== undefined,
  }
}

/** undefined: a first key is to be made. */
function whyLeftAlone({ instance, first, file, made, shared }: Found) {
  if (!instance || made === '') return undefined
  if (!first)
    return {
      level: 'info',
      message: 'the first administrator key was replaced or removed; its file is left alone',
    } as const
  if (file)
    return {
      level: 'warn',
      message: 'this file holds a key that does not exist; use `--credentials` or remove it',
    } as const
  if (shared && made !== first.clientId)
    return {
      level: 'info',
      message:
        'the administrator key was made by another node: to administer from this machine, copy admin.json from ' +
        'the data directory of that node; if it is lost, make an empty file `mark` and start again: the key is ' +
        'then made anew, and the old secret dies',
    } as const
  return undefined
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
