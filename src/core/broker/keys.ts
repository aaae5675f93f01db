import { z } from 'zod'
import { newId, newUuid } from '../context.ts'
import { plan } from '../plans.ts'
import { isProblem, Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import type { CredentialContext } from './credentials/credential.ts'
import { credentialKinds } from './credentials/index.ts'
import { noInstance } from './instances.ts'
import { checkName, limitReached, limits } from './limits.ts'
import type { Instance, InstanceTable, ServiceKey, ServiceKeyTable } from './store.ts'

type Tables = { instances: InstanceTable; keys: ServiceKeyTable }

export interface KeyBrokering extends CredentialContext {
  readonly store: Transactions<Tables>
}

/** The JSON of `key create -c`, as described: a kind, and what the kind understands. */
export const keyParametersSchema = z.looseObject({ 'key-type': z.string().optional() })
export type KeyParameters = z.infer<typeof keyParametersSchema>

/** The document that a sender is given, once. Every value is ready to use. */
export interface ServiceKeyDocument {
  readonly clientid: string
  readonly tokenurl: string
  readonly url: string
  /** ISO 8601. */
  readonly createdate: string
  readonly [member: string]: unknown
}

/** Creates a service key, which is one OAuth client. Resolves once it is stored. */
export async function createKey(
  tenant: Tenant,
  instanceName: string,
  name: string,
  parameters: KeyParameters,
  deps: KeyBrokering,
): Promise<{ key: ServiceKey; document: ServiceKeyDocument } | Problem> {
  const badName = checkName('key', name)
  if (badName) return badName
  const { store, context, addresses } = deps
  const { 'key-type': type = 'secret', ...rest } = parameters
  const kind = credentialKinds.find(k => k.type === type)
  if (!kind)
    return new Problem(
      'invalid_input',
      `there is no key type ${type}; types are ${credentialKinds.map(k => k.type).join(', ')}`,
    )
  const instance = await store.read.instances.find(tenant.id, instanceName)
  if (!instance) return noInstance(instanceName)
  const made = await kind.create(instance, tenant, rest, deps)
  if (isProblem(made)) return made

  const key: ServiceKey = {
    id: newId(context),
    tenantId: tenant.id,
    instanceId: instance.id,
    name,
    type,
    clientId: newClientId(tenant, instance, deps),
    generation: 1,
    createdAt: context.now(),
    ...made.stored,
  }
  const refused = await store.write(async ({ instances, keys }) => {
    if (!(await instances.find(tenant.id, instance.id))) return noInstance(instanceName)
    if (await keys.find(instance.id, name))
      return new Problem('conflict', `key ${name} of instance ${instance.name} exists already`)
    if ((await keys.count(instance.id)) >= limits.keysPerInstance)
      return limitReached('keys of an instance', limits.keysPerInstance)
    await keys.insert(key)
    return undefined
  })
  if (refused) return refused
  const document = {
    clientid: key.clientId,
    ...made.document,
    ...kind.urls(instance, tenant, addresses),
    createdate: new Date(key.createdAt).toISOString(),
  }
  return { key, document }
}

/** Deletes a key. It is refused from the next request on, and so is every token that it has got. */
export async function deleteKey(
  tenant: Tenant,
  instanceName: string,
  name: string,
  { store }: Pick<KeyBrokering, 'store'>,
): Promise<ServiceKey | Problem> {
  return store.write(async ({ instances, keys }) => {
    const instance = await instances.find(tenant.id, instanceName)
    if (!instance) return noInstance(instanceName)
    const key = await keys.find(instance.id, name)
    if (!key) return noKey(instance, name)
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
  { addresses }: CredentialContext,
) {
  return credentialKinds.find(kind => kind.type === key.type)!.urls(instance, tenant, addresses)
}

/** `sb-<uuid>!b<number>|it-rt-<tenant>!b<number>`, the described form. */
function newClientId(tenant: Tenant, instance: Instance, { context }: CredentialContext): string {
  return `sb-${newUuid(context)}!b${tenant.number}|${plan(instance.plan)!.clientIdSuffix(tenant)}`
}
