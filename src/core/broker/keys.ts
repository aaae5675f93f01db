import { revokeAllIssuedTo } from '../authority/index.ts'
import { iso, newId, newUuid } from '../context.ts'
import { plan } from '../plans.ts'
import { isProblem, Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { dialectOf } from '../tokens/index.ts'
import type {
  CredentialContext,
  CredentialOwner,
  CredentialTables,
  NewCredential,
} from './credentials/credential.ts'
import { credentialKinds } from './credentials/index.ts'
import { type KeyParameters, readKeyRequest } from './credentials/parameters.ts'
import { noInstance } from './instances.ts'
import { checkName, limitReached, limits } from './limits.ts'
import type { Instance, InstanceTable, ServiceKey } from './store.ts'

type Tables = CredentialTables & { instances: InstanceTable }

export interface KeyBrokering extends CredentialContext {
  readonly store: Transactions<Tables>
}

/** The document that a sender is given, once. Every value is ready to use. */
export interface ServiceKeyDocument {
  readonly clientid: string
  readonly tokenurl: string
  readonly url: string
  /** ISO 8601. */
  readonly createdate: string
  readonly [member: string]: unknown
}

export interface MadeKey {
  readonly key: ServiceKey
  readonly document: ServiceKeyDocument
  /** For the operator. */
  readonly warnings: readonly string[]
}

/** Creates a service key, which is one OAuth client. Resolves once it is stored. */
export async function createKey(
  tenant: Tenant,
  instanceName: string,
  name: string,
  request: KeyParameters,
  deps: KeyBrokering,
): Promise<MadeKey | Problem> {
  const badName = checkName('key', name)
  if (badName) return badName
  const instance = await deps.store.read.instances.find(tenant.id, instanceName)
  if (!instance) return noInstance(instanceName)
  const made = await newKey({ tenant, instance, name }, request, deps)
  if (isProblem(made)) return made
  const refused = await deps.store.write(async tables => {
    if (!(await tables.instances.find(tenant.id, instance.id))) return noInstance(instanceName)
    return made.insert(tables)
  })
  return refused ?? made
}

/** A key that is made, and of which nobody knows until it is inserted. */
export interface NewKey extends MadeKey {
  /** Inside a transaction: stores the key, unless its name is taken or a limit is reached. */
  insert(tables: CredentialTables): Promise<Problem | undefined>
}

/** Makes a key of an instance with its credential, as the parameters ask. */
export async function newKey(
  { tenant, instance, name }: { tenant: Tenant; instance: Instance; name: string },
  request: KeyParameters,
  deps: KeyBrokering,
): Promise<NewKey | Problem> {
  const { context } = deps
  const asked = readKeyRequest(request)
  if (isProblem(asked)) return asked
  const kind = credentialKinds.find(k => k.type === asked.type)
  if (!kind)
    return new Problem(
      'invalid_input',
      `there is no key type ${asked.type}; types are ${credentialKinds.map(k => k.type).join(', ')}`,
    )
  const owner = {
    tenant,
    instance,
    credentialId: newId(context),
    clientId: newClientId(tenant, instance, deps),
  }
  const made = await kind.make(owner, asked.parameters, deps)
  if (isProblem(made)) return made

  const key: ServiceKey = {
    id: owner.credentialId,
    tenantId: tenant.id,
    instanceId: instance.id,
    name,
    type: kind.type,
    clientId: owner.clientId,
    generation: 1,
    secretDigest: undefined,
    previousSecretDigest: undefined,
    previousSecretUntil: undefined,
    pinned: true,
    validityDays: undefined,
    createdAt: context.now(),
    expiresAt: undefined,
    ...made.stored,
  }
  return {
    ...documentOf(key, made, owner, key.createdAt, deps),
    async insert(tables) {
      const { keys } = tables
      if (await keys.find(instance.id, name))
        return new Problem('conflict', `key ${name} of instance ${instance.name} exists already`)
      if ((await keys.count(instance.id)) >= limits.keysPerInstance)
        return limitReached('keys of an instance', limits.keysPerInstance)
      await keys.insert(key)
      return made.write?.(key, tables)
    },
  }
}

/** The document of a credential just made. */
export function documentOf(
  key: ServiceKey,
  made: NewCredential,
  { instance, tenant }: CredentialOwner,
  at: number,
  { addresses }: KeyBrokering,
): MadeKey {
  const document = {
    clientid: key.clientId,
    ...made.document,
    ...credentialKinds.find(kind => kind.type === key.type)!.urls(instance, tenant, addresses),
    ...dialectOf(instance).keyMembers({ plan: instance.plan, type: key.type, tenant, addresses }),
    createdate: iso(at),
  }
  return { key, document, warnings: made.warnings ?? [] }
}

/** A key with its instance, by their names. */
export async function findKey(
  tenant: Tenant,
  instanceName: string,
  name: string,
  { store }: Pick<KeyBrokering, 'store'>,
): Promise<{ key: ServiceKey; instance: Instance } | Problem> {
  const instance = await store.read.instances.find(tenant.id, instanceName)
  if (!instance) return noInstance(instanceName)
  const key = await store.read.keys.find(instance.id, name)
  return key ? { key, instance } : noKey(instance, name)
}

/** Deletes a key. It is refused from the next request on, and so is every token that it has got. */
export async function deleteKey(
  tenant: Tenant,
  instanceName: string,
  name: string,
  { store, context }: Pick<KeyBrokering, 'store' | 'context'>,
): Promise<ServiceKey | Problem> {
  return store.write(async ({ instances, keys, issued }) => {
    const instance = await instances.find(tenant.id, instanceName)
    if (!instance) return noInstance(instanceName)
    const key = await keys.find(instance.id, name)
    if (!key) return noKey(instance, name)
    // What was issued to it would else be good in the eyes of those who ask the revocation list.
    await revokeAllIssuedTo(key.id, context.now(), { issued })
    await keys.delete(key)
    return key
  })
}

export function noKey(instance: Instance, name: string): Problem {
  return new Problem('not_found', `there is no key ${name} of instance ${instance.name}`, {
    hint: `See \`countersign key list ${instance.name}\`.`,
  })
}

/** Where a key's sender gets tokens and what it calls, for display; never the credential itself. */
export function keyUrls(
  key: ServiceKey,
  instance: Instance,
  tenant: Tenant,
  { addresses }: Pick<CredentialContext, 'addresses'>,
) {
  return credentialKinds.find(kind => kind.type === key.type)!.urls(instance, tenant, addresses)
}

/** `sb-<uuid>!b<number>|it-rt-<tenant>!b<number>`, the described form. */
function newClientId(tenant: Tenant, instance: Instance, { context }: CredentialContext): string {
  return `sb-${newUuid(context)}!b${tenant.number}|${plan(instance.plan)!.clientIdSuffix(tenant)}`
}
