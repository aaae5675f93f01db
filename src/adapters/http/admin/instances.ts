import { z } from 'zod'
import {
  beyondOwnRoles,
  createInstance,
  deleteInstance,
  findInstance,
  type Instance,
  readInstanceParameters,
  updateInstance,
} from '../../../core/broker/index.ts'
import { isProblem } from '../../../core/problem.ts'
import { addressOnly } from './audit.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, time } from './schemas.ts'

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
  'assertion-audience': z.enum(['issuer', 'token-endpoint']).meta({
    description: 'Whom assertions may be made for: the issuer alone, or the token endpoint as well',
  }),
  'assertion-replay': z.enum(['refused', 'reported']).meta({
    description: 'What happens to an assertion that was used before',
  }),
  'certificate-overlap': z.number().meta({
    description: 'Days for which a credential is accepted beside its successor',
  }),
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
    'assertion-audience': instance.assertionAudience,
    'assertion-replay': instance.assertionReplay,
    'certificate-overlap': instance.certificateOverlap,
    createdAt: iso(instance.createdAt),
    updatedAt: iso(instance.updatedAt),
  }
}

/** Everything that can be set. */
function auditInstance(instance: z.infer<typeof instanceAnswer>) {
  return {
    plan: instance.plan,
    dialect: instance.dialect,
    roles: instance.roles,
    'grant-types': instance['grant-types'],
    'redirect-uris': instance['redirect-uris'].map(addressOnly),
    'token-validity': instance['token-validity'],
    'token-format': instance['token-format'],
    'bind-tokens': instance['bind-tokens'],
    'assertion-audience': instance['assertion-audience'],
    'assertion-replay': instance['assertion-replay'],
    'certificate-overlap': instance['certificate-overlap'],
  }
}

const ofInstance = z.object({ instance: z.string() })

export const instanceRoutes: readonly AdminRoute[] = [
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
    audit: auditInstance,
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
    audit: auditInstance,
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
]
