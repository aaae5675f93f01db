import { z } from 'zod'
import { createRole, deleteRole, listRoles } from '../../../core/broker/index.ts'
import { flowsAskingFor } from '../../../core/flows/index.ts'
import { isProblem } from '../../../core/problem.ts'
import { type AdminRoute, route } from './route.ts'
import { named } from './schemas.ts'

const roleAnswer = z.object({ name: z.string(), description: z.string(), owner: z.string() })

export const roleRoutes: readonly AdminRoute[] = [
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
    audit: ({ description }) => ({ description }),
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
]
