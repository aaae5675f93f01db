import { type IssuedCertificateTable, revokeAllIssuedTo } from '../../authority/index.ts'
import { limitReached } from '../../broker/index.ts'
import { type Context, newId } from '../../context.ts'
import { nearestName } from '../../nearest.ts'
import { isProblem, Problem } from '../../problem.ts'
import { printable } from '../../schema.ts'
import type { Transactions } from '../../store.ts'
import type { Tenant } from '../../tenant.ts'
import type { Vault } from '../../vault.ts'
import {
  type ProvisioningTables,
  type SourceState,
  type StoredSystem,
  type SystemRole,
  systemRoles,
} from '../store.ts'
import { parseTransformation } from '../transformation/index.ts'
import { systemType } from '../types/index.ts'
import type { SystemType } from '../types/type.ts'
import { followMove, readInFull, targetNames } from './moves.ts'
import { openCredentials, sealCredentials } from './opened.ts'
import { changedProperties, type PropertyChanges } from './properties.ts'

export interface SystemManagement {
  readonly store: Transactions<ProvisioningTables>
  readonly vault: Vault
  readonly context: Context
}

/** The described limits. */
const mostSystems: Readonly<Record<SystemRole, number>> = { source: 20, target: 50, proxy: 50 }

export interface NewSystem {
  readonly name: string
  readonly type: string
  readonly role: string
  readonly properties?: PropertyChanges | undefined
}

/** A system as people see it: what is secret by name alone. */
export interface SystemInfo {
  readonly name: string
  readonly type: string
  readonly role: SystemRole
  readonly properties: Readonly<Record<string, string>>
  /** Names of the credential properties. */
  readonly credentials: readonly string[]
  /** What has to be set before it can be used. */
  readonly missing: readonly string[]
  /** Is there a transformation of its own? */
  readonly ownReadTransformation: boolean
  readonly ownWriteTransformation: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

const names = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export async function createSystem(
  tenant: Tenant,
  { name, type: typeName, role, properties = {} }: NewSystem,
  { store, vault, context }: SystemManagement,
): Promise<SystemInfo | Problem> {
  if (!names.test(name))
    return new Problem(
      'invalid_input',
      'the name of a system has 1 to 64 characters out of A-Z a-z 0-9 . _ -',
    )
  const type = systemType(typeName)
  if (isProblem(type)) return type
  const known = systemRoles.find(one => one === role)
  if (!known || !type.roles.includes(known))
    return new Problem(
      'invalid_input',
      `a system of type ${type.name} is a ${type.roles.join(' or ')}, not a ${printable(role)}`,
    )
  const none = { standard: {}, credentials: {} }
  const made = changedProperties({ name, role: known }, type, none, properties)
  if (isProblem(made)) return made
  const owner = { id: newId(context), tenantId: tenant.id }
  const now = context.now()
  const system: StoredSystem = {
    ...owner,
    name,
    type: type.name,
    role: known,
    properties: made.standard,
    sealed: sealCredentials(made.credentials, owner, vault),
    readTransformation: undefined,
    writeTransformation: undefined,
    createdAt: now,
    updatedAt: now,
  }
  return store.write(async tables => {
    const { systems } = tables
    const all = await systems.list(tenant.id)
    const same = all.find(one => one.name.toLowerCase() === name.toLowerCase())
    if (same) return new Problem('conflict', `there is a system ${same.name} already`)
    if (all.filter(one => one.role === known).length >= mostSystems[known])
      return limitReached(`${known} systems of a tenant`, mostSystems[known])
    const wrong = await wrongTargets(tenant, system.properties, tables)
    if (wrong) return wrong
    await systems.insert(system)
    return inspectSystem(system, vault)
  })
}

export async function listSystems(
  tenant: Tenant,
  { store, vault }: Pick<SystemManagement, 'store' | 'vault'>,
): Promise<SystemInfo[]> {
  return (await store.read.systems.list(tenant.id)).map(system => inspectSystem(system, vault))
}

/** With its schedule. */
export async function showSystem(
  tenant: Tenant,
  name: string,
  { store, vault }: Pick<SystemManagement, 'store' | 'vault'>,
): Promise<(SystemInfo & Pick<SourceState, 'everyMinutes' | 'nextRunAt'>) | Problem> {
  const system = await findSystem(tenant, name, store.read)
  if (isProblem(system)) return system
  const state = await store.read.sources.find(system.id)
  return { ...inspectSystem(system, vault), everyMinutes: state?.everyMinutes, nextRunAt: state?.nextRunAt }
}

/** Sets and takes away properties: all of them, or none. */
export async function setProperties(
  tenant: Tenant,
  name: string,
  changes: PropertyChanges,
  { store, vault, context }: SystemManagement,
): Promise<SystemInfo | Problem> {
  return store.write(async tables => {
    const system = await findSystem(tenant, name, tables)
    if (isProblem(system)) return system
    const before = { standard: system.properties, credentials: openCredentials(system, vault) }
    const made = changedProperties(system, typeOf(system), before, changes)
    if (isProblem(made)) return made
    const wrong =
      changes.targets === undefined ? undefined : await wrongTargets(tenant, made.standard, tables)
    if (wrong) return wrong
    const changed = {
      ...system,
      properties: made.standard,
      sealed: sealCredentials(made.credentials, system, vault),
      updatedAt: context.now(),
    }
    const busy = await followMove(system, changed, tables)
    if (busy) return busy
    await tables.systems.update(changed)
    return inspectSystem(changed, vault)
  })
}

export interface DeletingSystems extends Pick<SystemManagement, 'context'> {
  readonly store: Transactions<ProvisioningTables & { readonly issued: IssuedCertificateTable }>
}

/** Deletes a system with its certificates, its jobs and what is known of its entities. */
export async function deleteSystem(
  tenant: Tenant,
  name: string,
  { store, context }: DeletingSystems,
): Promise<StoredSystem | Problem> {
  return store.write(async tables => {
    const system = await findSystem(tenant, name, tables)
    if (isProblem(system)) return system
    const sources = (await tables.systems.list(tenant.id)).filter(one =>
      targetNames(one.properties).some(target => target.toLowerCase() === system.name.toLowerCase()),
    )
    if (sources.length > 0)
      return new Problem('conflict', `${sources.map(one => one.name).join(', ')} writes to ${system.name}`, {
        hint: `Take it out of the property targets first: countersign provisioning system set ${sources[0]!.name} targets=...`,
      })
    const busy = (await tables.jobs.open()).find(job => job.systemId === system.id)
    if (busy)
      return new Problem('conflict', `a job of ${system.name} is under way`, {
        hint: `Stop it first: countersign provisioning job stop ${busy.id}`,
      })
    await revokeAllIssuedTo(system.id, context.now(), tables)
    await tables.systems.delete(system)
    return system
  })
}

/** Puts a transformation of one's own in the place of that of the type; undefined: that of the type again. */
export async function setTransformation(
  tenant: Tenant,
  name: string,
  kind: 'read' | 'write',
  document: unknown,
  { store, vault, context }: SystemManagement,
): Promise<SystemInfo | Problem> {
  const parsed = document === undefined ? undefined : parseTransformation(document, kind)
  if (isProblem(parsed)) return parsed
  return store.write(async tables => {
    const system = await findSystem(tenant, name, tables)
    if (isProblem(system)) return system
    const misplaced =
      (kind === 'read' && system.role === 'target') || (kind === 'write' && system.role === 'source')
    if (misplaced)
      return new Problem(
        'invalid_input',
        `${system.name} is a ${system.role}: it has no ${kind} transformation`,
      )
    const changed: StoredSystem = {
      ...system,
      [kind === 'read' ? 'readTransformation' : 'writeTransformation']: document,
      updatedAt: context.now(),
    }
    await tables.systems.update(changed)
    await readInFull(changed, tables)
    return inspectSystem(changed, vault)
  })
}

/** The one in use: the system's own, or that of its type. */
export const transformationOf = (
  {
    type,
    readTransformation,
    writeTransformation,
  }: Pick<StoredSystem, 'type' | 'readTransformation' | 'writeTransformation'>,
  kind: 'read' | 'write',
): unknown => {
  const ofType = typeOf({ type })
  return kind === 'read'
    ? (readTransformation ?? ofType.readTransformation)
    : (writeTransformation ?? ofType.writeTransformation)
}

/** By name, without regard to case. */
export async function findSystem(
  tenant: Pick<Tenant, 'id'>,
  name: string,
  { systems }: Pick<ProvisioningTables, 'systems'>,
): Promise<StoredSystem | Problem> {
  const found = await systems.find(tenant.id, name)
  if (found) return found
  const all = (await systems.list(tenant.id)).map(one => one.name)
  const near = nearestName(name, all)
  return new Problem('not_found', `there is no system ${printable(name)}`, {
    hint: near ? `Did you mean ${near}?` : 'See `countersign provisioning system list`.',
  })
}

/** The type of a stored system, which was checked when it was made. */
export function typeOf({ type }: Pick<StoredSystem, 'type'>): SystemType {
  const found = systemType(type)
  if (isProblem(found)) throw new Error(found.description)
  return found
}

export { targetNames }

async function wrongTargets(
  tenant: Tenant,
  properties: Readonly<Record<string, string>>,
  tables: ProvisioningTables,
): Promise<Problem | undefined> {
  const wanted = targetNames(properties)
  const twice = wanted.find(
    (name, at) => wanted.findIndex(one => one.toLowerCase() === name.toLowerCase()) < at,
  )
  if (twice) return new Problem('invalid_input', `targets: ${printable(twice)} is there twice`)
  for (const name of wanted) {
    const target = await findSystem(tenant, name, tables)
    if (isProblem(target)) return new Problem('invalid_input', `targets: ${target.description}`)
    if (target.role !== 'target')
      return new Problem('invalid_input', `targets: ${target.name} is a ${target.role}, not a target`)
  }
  return undefined
}

function inspectSystem(system: StoredSystem, vault: Vault): SystemInfo {
  const { name, type, role, properties, createdAt, updatedAt } = system
  const credentials = openCredentials(system, vault)
  return {
    name,
    type,
    role,
    properties,
    credentials: Object.keys(credentials),
    missing: typeOf(system).missing({ ...properties, ...credentials }),
    ownReadTransformation: system.readTransformation !== undefined,
    ownWriteTransformation: system.writeTransformation !== undefined,
    createdAt,
    updatedAt,
  }
}
