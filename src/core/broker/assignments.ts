import type { Context } from '../context.ts'
import { nearestName } from '../nearest.ts'
import { defaultNode, wrongNode } from '../nodes.ts'
import { Problem } from '../problem.ts'
import type { Transactions } from '../store.ts'
import type { Tenant } from '../tenant.ts'
import { limitReached, limits } from './limits.ts'
import { listRoles } from './roles.ts'
import type { RoleAssignment, RoleAssignmentTable, RoleTable } from './store.ts'

type Tables = { roles: RoleTable; assignments: RoleAssignmentTable }

export interface AssignmentRequest {
  readonly role: string
  readonly user: string
  /** The runtime node; `default.iflmap` where none is given. */
  readonly subscription?: string | undefined
}

export interface Assigned {
  readonly assignment: RoleAssignment
  /** False: the user had the role there already. */
  readonly isNew: boolean
}

/**
 * Gives a user a role at a runtime node, as in the described cockpit. The user need not exist yet: whether somebody
 * calls under this very name shows when a message comes. Counts from the next request on.
 */
export async function assignRole(
  tenant: Tenant,
  request: AssignmentRequest,
  { store, context }: { readonly store: Transactions<Tables>; readonly context: Pick<Context, 'now'> },
): Promise<Assigned | Problem> {
  const asked = readRequest(tenant, request)
  if (asked instanceof Problem) return asked
  return store.write(async ({ roles, assignments }) => {
    const existing = (await listRoles(tenant, { read: { roles } })).map(({ name }) => name)
    if (!existing.includes(asked.role)) return noRole(asked.role, existing)
    const same = (await assignments.list(tenant.id, asked.user)).find(isSame(asked))
    if (same) return { assignment: same, isNew: false }
    if ((await assignments.count(tenant.id)) >= limits.assignmentsPerTenant)
      return limitReached('role assignments of a tenant', limits.assignmentsPerTenant)
    const assignment = { ...asked, createdAt: context.now() }
    await assignments.insert(assignment)
    return { assignment, isNew: true }
  })
}

/** Takes a role away from a user. Counts from the next request on. */
export async function unassignRole(
  tenant: Tenant,
  request: AssignmentRequest,
  { store }: { readonly store: Transactions<Pick<Tables, 'assignments'>> },
): Promise<RoleAssignment | Problem> {
  const asked = readRequest(tenant, request)
  if (asked instanceof Problem) return asked
  return store.write(async ({ assignments }) => {
    const found = (await assignments.list(tenant.id, asked.user)).find(isSame(asked))
    if (!found)
      return new Problem('not_found', `user ${asked.user} has no role ${asked.role} at ${asked.node}`, {
        hint: `See \`countersign role list --user ${asked.user}\`; upper and lower case count.`,
      })
    await assignments.delete(found)
    return found
  })
}

/** All assignments, or those of one user. */
export const listAssignments = (
  tenant: Tenant,
  user: string | undefined,
  { store }: { readonly store: Transactions<Pick<Tables, 'assignments'>> },
): Promise<RoleAssignment[]> => store.read.assignments.list(tenant.id, user)

type Asked = Omit<RoleAssignment, 'createdAt'>

function readRequest(
  { id }: Tenant,
  { role, user, subscription = defaultNode }: AssignmentRequest,
): Asked | Problem {
  if (!/^[^\p{C}]{1,200}$/u.test(user) || user.trim() !== user)
    return new Problem(
      'invalid_input',
      'a user name has 1 to 200 printable characters, without white space at either end',
    )
  const wrong = wrongNode(subscription)
  if (wrong !== undefined) return new Problem('invalid_input', `subscription: ${wrong}`)
  return { tenantId: id, user, node: subscription, role }
}

const isSame = (asked: Asked) => (other: RoleAssignment) =>
  other.role === asked.role && other.node === asked.node && other.user === asked.user

function noRole(role: string, existing: readonly string[]): Problem {
  const near = nearestName(role, existing)
  return new Problem('invalid_input', `there is no role ${role}${near ? `; did you mean ${near}?` : ''}`, {
    hint: 'See `countersign role list`, or create it with `countersign role create`.',
  })
}
