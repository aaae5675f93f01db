import { z } from 'zod'
import { neededByFlows } from '../../../core/flows/index.ts'
import {
  createMaterial,
  deleteMaterial,
  listMaterial,
  type MaterialInfo,
  materialTypes,
} from '../../../core/material/index.ts'
import { isProblem } from '../../../core/problem.ts'
import { addressOnly } from './audit.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, time } from './schemas.ts'

const materialAnswer = z.object({
  name: z.string(),
  type: z.string(),
  content: z
    .record(z.string(), z.unknown())
    .meta({ description: 'As it was given, without what is secret, or may be' }),
  createdAt: time,
  updatedAt: time,
})

const show = ({ createdAt, updatedAt, ...rest }: MaterialInfo): z.infer<typeof materialAnswer> => ({
  ...rest,
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
})

/** Security material. No operation gives away what is secret in it. */
export const materialRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/material',
    summary: 'List the security material: credentials for calling others, without what is secret',
    roles: ['CredentialsRead', 'SecurityMaterialEdit'],
    answer: z.object({ material: z.array(materialAnswer) }),
    handle: async ({ tenant }, services) => ({
      material: (await listMaterial(tenant, services)).map(show),
    }),
  }),
  route({
    method: 'POST',
    path: '/material',
    summary: 'Keep credentials for calling others, sealed',
    roles: ['SecurityMaterialEdit'],
    body: z.strictObject({
      name: z.string(),
      type: z.string().meta({ description: materialTypes.map(({ name }) => name).join(', ') }),
      content: z.record(z.string(), z.unknown()).meta({ description: 'What the type asks for' }),
      replace: z.boolean().optional().meta({ description: 'Put it in the place of the one of that name' }),
    }),
    answer: materialAnswer,
    status: 201,
    async handle({ tenant, body }, services) {
      const made = await createMaterial(tenant, body, services)
      return isProblem(made) ? made : show(made)
    },
    audit: ({ type, content: { tokenServiceUrl, customParameters: _, ...content } }) => ({
      type,
      ...content,
      ...(typeof tokenServiceUrl === 'string' && { tokenServiceUrl: addressOnly(tokenServiceUrl) }),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/material/:name',
    summary: 'Delete security material; calls that use it fail from the next one on',
    roles: ['SecurityMaterialEdit'],
    parameters: z.object({ name: z.string() }),
    status: 204,
    handle: async ({ tenant, parameters: { name } }, services) =>
      (await neededByFlows(tenant, name, services)) ?? deleteMaterial(tenant, name, services),
  }),
]
