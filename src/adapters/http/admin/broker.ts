import { z } from 'zod'
import {
  beyondOwnRoles,
  createInstance,
  createKey,
  createRole,
  deleteInstance,
  deleteKey,
  deleteRole,
  findInstance,
  type Instance,
  keyParametersSchema,
  keyUrls,
  listRoles,
  noKey,
  readInstanceParameters,
  type ServiceKey,
  updateInstance,
} from '../../../core/broker/index.ts'
import { flowsAskingFor } from '../../../core/flows/index.ts'
import { isProblem } from '../../../core/problem.ts'
import type { Tenant } from '../../../core/tenant.ts'
import { revokeAllOf } from '../../../core/tokens/index.ts'
import type { Services } from '../services.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, isoOrNull, named, time } from './schemas.ts'

const roleAnswer = z.object({ name: z.string(), description: z.string(), owner: z.string() })

const instanceAnswer = z.object({
  id: z.string(),
  name: z.string(),
  plan: z.string(),
  dialect: z.string(),
  roles: z.array(z.string()),
  'grant-types': z.array(z.string()),
  'redirect-uris': z.array(z.string()),
  'token-validity': z.number().meta({ description: 'Seconds' }),
  'token-format': z.string(),
  'bind-tokens': z.boolean(),
  createdAt: time,
  updatedAt: time,
})

function showInstance(instance: Instance): z.infer<typeof instanceAnswer> {
  return {
    id: instance.id,
    name: instance.name,
    plan: instance.plan,
    dialect: instance.dialect,
    roles: [...instance.roles],
    'grant-types': [...instance.grantTypes],
    'redirect-uris': [...instance.redirectUris],
    'token-validity': instance.tokenValidity,
    'token-format': instance.tokenFormat,
    'bind-tokens': instance.bindTokens,
    createdAt: iso(instance.createdAt),
    updatedAt: iso(instance.updatedAt),
  }
}

const keyAnswer = z.object({
  name: z.string(),
  type: z.string(),
  clientid: z.string(),
  tokenurl: z.string(),
  url: z.string(),
  createdAt: time,
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable(),
})

function showKey(
  key: ServiceKey,
  instance: Instance,
  tenant: Tenant,
  lastUsed: number | undefined,
  services: Services,
): z.infer<typeof keyAnswer> {
  return {
    name: key.name,
    type: key.type,
    clientid: key.clientId,
    ...keyUrls(key, instance, tenant, services),
    createdAt: iso(key.createdAt),
    expiresAt: isoOrNull(key.expiresAt),
    lastUsedAt: isoOrNull(lastUsed),
  }
}

const ofInstance = z.object({ instance: z.string() })
const ofKey = z.object({ instance: z.string(), key: z.string() })

export const brokerRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/roles',
    summary: 'List roles',
    roles: ['UserRolesEdit', 'MonitoringDataRead', 'CredentialsRead'],
    answer: z.object({ roles: z.array(roleAnswer) }),
    handle: async ({ tenant }, { store }) => ({ roles: await listRoles(tenant, store) }),
  }),
  route({
    method: 'POST',
    path: '/roles',
    summary: 'Create a role',
    roles: ['UserRolesEdit'],
    body: z.strictObject({ name: z.string(), description: z.string().max(500).default('') }),
    answer: roleAnswer,
    status: 201,
    async handle({ tenant, body }, services) {
      const role = await createRole(tenant, body.name, body.description, services)
      if (isProblem(role)) return role
      return { name: role.name, description: role.description, owner: 'Tenant Administrator' }
    },
  }),
  route({
    method: 'DELETE',
    path: '/roles/:name',
    summary: 'Delete a role that nobody uses',
    roles: ['UserRolesEdit'],
    parameters: named,
    status: 204,
    handle: ({ tenant, parameters }, { store }) =>
      deleteRole(tenant, parameters.name, {
        store,
        askedBy: (ofTenant, role) => flowsAskingFor(ofTenant, role, { store }),
      }),
  }),
  route({
    method: 'GET',
    path: '/instances',
    summary: 'List service instances',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    answer: z.object({ instances: z.array(instanceAnswer) }),
    handle: async ({ tenant }, { store }) => ({
      instances: (await store.read.instances.list(tenant.id)).map(showInstance),
    }),
  }),
  route({
    method: 'POST',
    path: '/instances',
    summary: 'Create a service instance',
    roles: ['CredentialsEdit'],
    body: z.strictObject({
      name: z.string(),
      plan: z.string().default('integration-flow'),
      parameters: z
        .unknown()
        .optional()
        .meta({ description: 'As described: roles, grant-types, token-validity, ...' }),
    }),
    answer: instanceAnswer,
    status: 201,
    async handle({ tenant, body, roles }, services) {
      const parameters = readInstanceParameters(body.parameters)
      if (isProblem(parameters)) return parameters
      const refused = beyondOwnRoles(tenant, body.plan, parameters.roles ?? [], roles)
      if (refused) return refused
      const instance = await createInstance(
        tenant,
        { name: body.name, plan: body.plan, parameters },
        services,
      )
      return isProblem(instance) ? instance : showInstance(instance)
    },
  }),
  route({
    method: 'GET',
    path: '/instances/:instance',
    summary: 'Show a service instance',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    parameters: ofInstance,
    answer: instanceAnswer,
    async handle({ tenant, parameters }, services) {
      const instance = await findInstance(tenant, parameters.instance, services)
      return isProblem(instance) ? instance : showInstance(instance)
    },
  }),
  route({
    method: 'PATCH',
    path: '/instances/:instance',
    summary: 'Change a service instance; what is given replaces the old value',
    roles: ['CredentialsEdit'],
    parameters: ofInstance,
    body: z.strictObject({ parameters: z.unknown().meta({ description: 'As for creation' }) }),
    answer: instanceAnswer,
    async handle({ tenant, parameters, body, roles }, services) {
      const changes = readInstanceParameters(body.parameters)
      if (isProblem(changes)) return changes
      const before = await findInstance(tenant, parameters.instance, services)
      if (isProblem(before)) return before
      const refused = beyondOwnRoles(tenant, before.plan, changes.roles ?? [], roles)
      if (refused) return refused
      const instance = await updateInstance(tenant, parameters.instance, changes, services)
      return isProblem(instance) ? instance : showInstance(instance)
    },
  }),
  route({
    method: 'DELETE',
    path: '/instances/:instance',
    summary: 'Delete a service instance with its keys',
    roles: ['CredentialsEdit'],
    parameters: ofInstance,
    status: 204,
    handle: ({ tenant, parameters }, services) => deleteInstance(tenant, parameters.instance, services),
  }),
  route({
    method: 'GET',
    path: '/instances/:instance/keys',
    summary: 'List the service keys of an instance',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    parameters: ofInstance,
    answer: z.object({ keys: z.array(keyAnswer) }),
    async handle({ tenant, parameters }, services) {
      const instance = await findInstance(tenant, parameters.instance, services)
      if (isProblem(instance)) return instance
      const keys = await services.store.read.keys.list(instance.id)
      const lastUsed = await services.journal.lastUsed(keys.map(key => key.id))
      return { keys: keys.map(key => showKey(key, instance, tenant, lastUsed.get(key.id), services)) }
    },
  }),
  route({
    method: 'POST',
    path: '/instances/:instance/keys',
    summary: 'Create a service key; its credential is in this answer and nowhere else',
    roles: ['CredentialsEdit'],
    parameters: ofInstance,
    body: z.strictObject({ name: z.string(), parameters: keyParametersSchema.default({}) }),
    answer: z.looseObject({ clientid: z.string(), tokenurl: z.string(), url: z.string(), createdate: time }),
    status: 201,
    async handle({ tenant, parameters, body, roles }, services) {
      const instance = await findInstance(tenant, parameters.instance, services)
      if (isProblem(instance)) return instance
      const refused = beyondOwnRoles(tenant, instance.plan, instance.roles, roles)
      if (refused) return refused
      const made = await createKey(tenant, parameters.instance, body.name, body.parameters, services)
      return isProblem(made) ? made : made.document
    },
  }),
  route({
    method: 'GET',
    path: '/instances/:instance/keys/:key',
    summary: 'Show a service key, without its credential',
    roles: ['CredentialsRead', 'CredentialsEdit'],
    parameters: ofKey,
    answer: keyAnswer,
    async handle({ tenant, parameters }, services) {
      const found = await findKey(tenant, parameters, services)
      if (isProblem(found)) return found
      const lastUsed = await services.journal.lastUsed([found.key.id])
      return showKey(found.key, found.instance, tenant, lastUsed.get(found.key.id), services)
    },
  }),
  route({
    method: 'DELETE',
    path: '/instances/:instance/keys/:key',
    summary: 'Delete a service key; it and its tokens are refused from the next request on',
    roles: ['CredentialsEdit'],
    parameters: ofKey,
    status: 204,
    handle: ({ tenant, parameters }, services) =>
      deleteKey(tenant, parameters.instance, parameters.key, services),
  }),
  route({
    method: 'POST',
    path: '/instances/:instance/keys/:key/token-revocation',
    summary: 'Revoke every token that a key has got so far',
    roles: ['CredentialsEdit'],
    parameters: ofKey,
    status: 204,
    async handle({ tenant, parameters }, services) {
      const found = await findKey(tenant, parameters, services)
      if (isProblem(found)) return found
      await revokeAllOf(found.key.id, services.store)
      return undefined
    },
  }),
]

async function findKey(tenant: Tenant, wanted: z.infer<typeof ofKey>, services: Services) {
  const instance = await findInstance(tenant, wanted.instance, services)
  if (isProblem(instance)) return instance
  const key = await services.store.read.keys.find(instance.id, wanted.key)
  return key ? { key, instance } : noKey(instance, wanted.key)
}
