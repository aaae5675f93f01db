import { Problem } from '../problem.ts'
import { printable } from '../schema.ts'
import type { Tenant } from '../tenant.ts'
import { auditRole } from './audit.ts'
import { administratorRole } from './defaults.ts'
import { invalid } from './invalid.ts'
import { user } from './kinds/user.ts'
import { type IdentityManagement, readContent } from './manage.ts'
import type { IdentityModel } from './model.ts'
import { memberTypes, type StoredEntity } from './store.ts'

/** Is nobody in the role of administrators: no user, client, group or mapping rule? */
export const hasNoAdministrator = (model: IdentityModel): boolean =>
  memberTypes.every(type => model.membersOf('role', administratorRole, type).size === 0)

/**
 * Creates the first administrator; `given`: the document of a user, with his name. Refused with `insufficient_scope`
 * once anybody is in the role of administrators.
 */
export async function createFirstAdministrator(
  { id: tenantId }: Pick<Tenant, 'id'>,
  given: Readonly<Record<string, unknown>>,
  deps: IdentityManagement,
): Promise<StoredEntity | Problem> {
  const { username, ...rest } = given
  if (typeof username !== 'string') return invalid('username: is missing')
  const wrongId = user.wrongId(username)
  if (wrongId) return invalid(`username: ${wrongId}`)
  const content = await readContent(user, user.create, rest, deps)
  if (content instanceof Problem) return content
  const made = await deps.store.write(async ({ identity }) => {
    const isTaken = (await identity.memberships(tenantId)).some(
      ({ container, containerId }) => container === 'role' && containerId === administratorRole,
    )
    // Else two who come at once would both be the first.
    if (isTaken || !(await identity.find(tenantId, 'role', administratorRole))) return setupIsOver
    if (await identity.find(tenantId, 'user', username))
      return new Problem('conflict', `there is a user ${printable(username)} already`)
    const entity: StoredEntity = {
      tenantId,
      kind: 'user',
      id: username,
      content,
      createdAt: deps.context.now(),
    }
    await identity.put(entity)
    await identity.add({
      tenantId,
      container: 'role',
      containerId: administratorRole,
      member: 'user',
      memberId: username,
    })
    return entity
  })
  if (!(made instanceof Problem))
    auditRole(administratorRole, `user ${printable(made.id)}`, { username: made.id }, deps.context.log)
  return made
}

export const setupIsOver = new Problem('insufficient_scope', 'there is an administrator already', {
  check: 'permission',
  reason: 'the role of administrators has members, or has been deleted',
  hint: 'Let an administrator create users: POST /v2/users, PUT /v2/roles/admin/users/NAME.',
})
