import { z } from 'zod'
import { isProblem } from '../../../core/problem.ts'
import type { Tenant } from '../../../core/tenant.ts'
import { createTenant, deleteTenant, updateTenant } from '../../../core/tenants/index.ts'
import { listKeys, rotateKeys, signingAlgorithms } from '../../../core/tokens/index.ts'
import type { Services } from '../services.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, isoOrNull, named, time } from './schemas.ts'

const tenantAnswer = z.object({
  name: z.string(),
  id: z.string().meta({ description: 'GUID' }),
  aliases: z.array(z.string()),
  signingAlgorithm: z.string(),
  selfSigned: z.boolean().meta({ description: 'May service keys hold self-signed certificates?' }),
  issuer: z.string(),
  createdAt: time,
})

const signingAlgorithm = z.enum(signingAlgorithms)

function show(tenant: Tenant, { addresses }: Services): z.infer<typeof tenantAnswer> {
  return {
    name: tenant.name,
    id: tenant.guid,
    aliases: [...tenant.aliases],
    signingAlgorithm: tenant.signingAlgorithm,
    selfSigned: tenant.selfSigned,
    issuer: addresses.issuer(tenant),
    createdAt: iso(tenant.createdAt),
  }
}

const keyAnswer = z.object({
  kid: z.string(),
  use: z.enum(['sig', 'enc']),
  algorithm: z.string(),
  state: z.enum(['published', 'active', 'verifying']),
  createdAt: time,
  activeFrom: time,
  retireAt: time.nullable(),
})

export const tenantRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/tenants',
    summary: 'List tenants',
    roles: ['TenantsEdit'],
    answer: z.object({ tenants: z.array(tenantAnswer) }),
    handle: async (_request, services) => ({
      tenants: (await services.store.read.tenants.list()).map(tenant => show(tenant, services)),
    }),
  }),
  route({
    method: 'POST',
    path: '/tenants',
    summary: 'Create a tenant with its own issuer and keys',
    roles: ['TenantsEdit'],
    body: z.strictObject({
      name: z.string(),
      id: z.string().optional().meta({ description: 'GUID; made up where not given' }),
      aliases: z.array(z.string()).optional(),
      signingAlgorithm: signingAlgorithm.optional(),
      selfSigned: z.boolean().optional(),
    }),
    answer: tenantAnswer,
    status: 201,
    async handle({ body }, services) {
      const { id: guid, ...rest } = body
      const tenant = await createTenant({ ...rest, guid }, services)
      return isProblem(tenant) ? tenant : show(tenant, services)
    },
    audit: ({ id, aliases, signingAlgorithm, selfSigned }) => ({
      id,
      aliases,
      signingAlgorithm,
      selfSigned,
    }),
  }),
  route({
    method: 'PATCH',
    path: '/tenants/:name',
    summary: 'Change what a tenant allows',
    roles: ['TenantsEdit'],
    parameters: named,
    body: z.strictObject({ selfSigned: z.boolean().optional() }),
    answer: tenantAnswer,
    async handle({ parameters, body }, services) {
      const tenant = await updateTenant(parameters.name, body, services)
      return isProblem(tenant) ? tenant : show(tenant, services)
    },
    audit: ({ selfSigned }) => ({ selfSigned }),
  }),
  route({
    method: 'DELETE',
    path: '/tenants/:name',
    summary: 'Delete a tenant with everything in it',
    roles: ['TenantsEdit'],
    parameters: named,
    status: 204,
    handle: ({ parameters }, services) => deleteTenant(parameters.name, services),
  }),
  route({
    method: 'GET',
    path: '/signing-keys',
    summary: 'List the keys that sign and seal the tokens of the tenant',
    roles: ['MonitoringDataRead', 'SecurityMaterialEdit'],
    answer: z.object({ keys: z.array(keyAnswer) }),
    handle: async ({ tenant }, services) => ({
      keys: (await listKeys(tenant, services)).map(key => ({
        ...key,
        createdAt: iso(key.createdAt),
        activeFrom: iso(key.activeFrom),
        retireAt: isoOrNull(key.retireAt),
      })),
    }),
  }),
  route({
    method: 'POST',
    path: '/signing-keys/rotation',
    summary: 'Make successors of the signing keys; they sign once every verifier could fetch them, or now',
    roles: ['SecurityMaterialEdit'],
    body: z.strictObject({ now: z.boolean().optional(), algorithm: signingAlgorithm.optional() }),
    answer: z.object({ activeFrom: time }),
    async handle({ tenant, body }, services) {
      const options = { now: body.now ?? false, ...(body.algorithm && { algorithm: body.algorithm }) }
      return { activeFrom: iso(await rotateKeys(tenant, options, services)) }
    },
    audit: ({ activeFrom }, { algorithm }) => ({
      activeFrom,
      ...(algorithm && { signingAlgorithm: algorithm }),
    }),
  }),
  route({
    method: 'POST',
    path: '/master-key/rotation',
    summary: 'Wrap the inner keys under another master key',
    roles: ['TenantsEdit'],
    body: z.strictObject({
      newKey: z.string().optional().meta({ description: 'Needed where the key comes from the environment' }),
    }),
    answer: z.object({ rewrapped: z.number(), next: z.string() }),
    handle: ({ body }, { operations }) => operations.rotateMasterKey(body.newKey),
  }),
]
