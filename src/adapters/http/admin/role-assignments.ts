import { z } from 'zod'
import { assignRole, listAssignments, type RoleAssignment, unassignRole } from '../../../core/broker/index.ts'
import { nearestName } from '../../../core/nearest.ts'
import { isProblem } from '../../../core/problem.ts'
import { userOf } from '../../../core/registration/index.ts'
import type { Tenant } from '../../../core/tenant.ts'
import type { Services } from '../services.ts'
import { type AdminRoute, route } from './route.ts'
import { iso, time } from './schemas.ts'

const assignmentAnswer = z.object({
  user: z.string(),
  role: z.string(),
  subscription: z.string(),
  createdAt: time,
})

const show = ({ user, role, node, createdAt }: RoleAssignment) => ({
  user,
  role,
  subscription: node,
  createdAt: iso(createdAt),
})

const assignmentBody = z.strictObject({
  user: z.string(),
  role: z.string(),
  subscription: z.string().optional().meta({ description: 'A runtime node; default.iflmap if not given' }),
})

/** What would make the assignment useless: nobody calls as this user, or not there. */
async function warningsFor(
  { user, node }: RoleAssignment,
  tenant: Tenant,
  { store }: Services,
): Promise<string[]> {
  const clients = await store.read.registered.list(tenant.id)
  const client = clients.find(({ clientId }) => userOf(clientId) === user)
  if (!client) {
    const near = nearestName(
      user,
      clients.map(({ clientId }) => userOf(clientId)),
    )
    return [
      `no registered client calls as ${user} so far${near ? `; did you mean ${near}?` : ''} (upper and lower case count)`,
    ]
  }
  if (client.node === node) return []
  return [`client ${client.clientId} is subscribed to ${client.node}: at ${node} its tokens are not good`]
}

export const roleAssignmentRoutes: readonly AdminRoute[] = [
  route({
    method: 'GET',
    path: '/role-assignments',
    summary: 'List the roles of users at runtime nodes, of all or of one user',
    roles: ['UserRolesEdit', 'MonitoringDataRead', 'CredentialsRead'],
    query: z.object({ user: z.string().optional() }),
    answer: z.object({ assignments: z.array(assignmentAnswer) }),
    async handle({ tenant, query }, services) {
      return { assignments: (await listAssignments(tenant, query.user, services)).map(show) }
    },
  }),
  route({
    method: 'POST',
    path: '/role-assignments',
    summary: 'Give a user a role at a runtime node; giving it again changes nothing',
    roles: ['UserRolesEdit'],
    body: assignmentBody,
    answer: assignmentAnswer.extend({ warnings: z.array(z.string()).optional() }),
    status: 201,
    async handle({ tenant, body }, services) {
      const made = await assignRole(tenant, body, services)
      if (isProblem(made)) return made
      const warnings = await warningsFor(made.assignment, tenant, services)
      return { ...show(made.assignment), ...(warnings.length > 0 && { warnings }) }
    },
    audit: ({ user, role, subscription }) => ({ user, role, subscription }),
  }),
  route({
    method: 'DELETE',
    path: '/role-assignments',
    summary: 'Take a role away from a user',
    roles: ['UserRolesEdit'],
    query: z.object({ user: z.string(), role: z.string(), subscription: z.string().optional() }),
    answer: assignmentAnswer,
    async handle({ tenant, query }, services) {
      const taken = await unassignRole(tenant, query, services)
      return isProblem(taken) ? taken : show(taken)
    },
    audit: ({ user, role, subscription }) => ({ user, role, subscription }),
  }),
]
