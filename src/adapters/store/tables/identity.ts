import {
  type ContainerKind,
  type EntityKind,
  everySession,
  type IdentityTable,
  type Membership,
  type MemberType,
  type SessionTable,
  type StoredEntity,
} from '../../../core/identity/index.ts'
import type { IdentityEntityRow, IdentityMembershipRow } from '../schema.ts'
import type { Scope } from './scope.ts'

type Key = Pick<StoredEntity, 'tenantId' | 'kind' | 'id'>

export function identityTable(scope: Scope): IdentityTable {
  // A change names what has changed, so that whoever has the rest in memory reads this alone.
  const changing = ({ tenantId, kind, id }: Key) =>
    scope.changing({ kind: 'identity', tenantId, id, detail: kind })
  const changingMembership = (membership: Membership) =>
    scope.changing({
      kind: 'identity',
      tenantId: membership.tenantId,
      id: nameOf(membership),
      detail: 'membership',
    })
  const memberships = () => scope.db.selectFrom('identityMemberships').selectAll()
  return {
    async entities(tenantId) {
      const rows = await scope.db
        .selectFrom('identityEntities')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .execute()
      return rows.map(entityOf)
    },
    async memberships(tenantId) {
      const rows = await memberships().where('tenantId', '=', tenantId).execute()
      return rows.map(membershipOf)
    },
    async find(tenantId, kind, id) {
      const row = await scope.db
        .selectFrom('identityEntities')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && entityOf(row)
    },
    async has({ tenantId, container, containerId, member, memberId }) {
      const row = await memberships()
        .where('tenantId', '=', tenantId)
        .where('container', '=', container)
        .where('containerId', '=', containerId)
        .where('member', '=', member)
        .where('memberId', '=', memberId)
        .executeTakeFirst()
      return row !== undefined
    },
    async put(entity) {
      const content = JSON.stringify(entity.content)
      await changing(entity)
        .insertInto('identityEntities')
        .values({ ...entity, content })
        .onConflict(conflict => conflict.columns(['tenantId', 'kind', 'id']).doUpdateSet({ content }))
        .execute()
    },
    async delete(entity) {
      const { tenantId, kind, id } = entity
      const held = await memberships()
        .where('tenantId', '=', tenantId)
        .where(({ or, and, eb }) =>
          or([
            and([eb('container', '=', kind), eb('containerId', '=', id)]),
            and([eb('member', '=', kind), eb('memberId', '=', id)]),
          ]),
        )
        .execute()
      for (const row of held) await this.remove(membershipOf(row))
      await changing(entity)
        .deleteFrom('identityEntities')
        .where('tenantId', '=', tenantId)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .execute()
    },
    async add(membership) {
      await changingMembership(membership).insertInto('identityMemberships').values(membership).execute()
    },
    async remove(membership) {
      const { tenantId, container, containerId, member, memberId } = membership
      await changingMembership(membership)
        .deleteFrom('identityMemberships')
        .where('tenantId', '=', tenantId)
        .where('container', '=', container)
        .where('containerId', '=', containerId)
        .where('member', '=', member)
        .where('memberId', '=', memberId)
        .execute()
    },
    async ownedBy(tenantId, ownerType, ownerId) {
      const rows = await scope.db
        .selectFrom('identityEntities')
        .selectAll()
        .where('tenantId', '=', tenantId)
        .where('kind', '=', 'authorization')
        .where('content', 'like', `%"ownerId":${JSON.stringify(ownerId).replace(/[%_\\]/g, '_')}%`)
        .execute()
      return rows
        .map(entityOf)
        .filter(({ content }) => content.ownerType === ownerType && content.ownerId === ownerId)
    },
    async nextKey(tenantId) {
      const { last } = await scope
        .changing()
        .insertInto('identityCounters')
        .values({ tenantId, last: 1 })
        .onConflict(conflict =>
          conflict
            .column('tenantId')
            .doUpdateSet(({ eb }) => ({ last: eb('identityCounters.last', '+', 1) })),
        )
        .returning('last')
        .executeTakeFirstOrThrow()
      return Number(last)
    },
    async lastKey(tenantId) {
      const row = await scope.db
        .selectFrom('identityCounters')
        .select('last')
        .where('tenantId', '=', tenantId)
        .executeTakeFirst()
      return Number(row?.last ?? 0)
    },
  }
}

export function sessionTable(scope: Scope): SessionTable {
  return {
    find: digest =>
      scope.db.selectFrom('identitySessions').selectAll().where('digest', '=', digest).executeTakeFirst(),
    async insert(session) {
      await scope.changing().insertInto('identitySessions').values(session).execute()
    },
    async putOff(digest, expiresAt) {
      await scope
        .changing()
        .updateTable('identitySessions')
        .set({ expiresAt })
        .where('digest', '=', digest)
        .execute()
    },
    async delete({ digest, tenantId }) {
      await scope
        .changing({ kind: 'identity', tenantId, id: digest, detail: 'session' })
        .deleteFrom('identitySessions')
        .where('digest', '=', digest)
        .execute()
    },
    async deleteExpired(now) {
      await scope.changing().deleteFrom('identitySessions').where('expiresAt', '<', now).execute()
    },
    async clear(tenantId) {
      await scope
        .changing({ kind: 'identity', tenantId, id: everySession, detail: 'session' })
        .deleteFrom('identitySessions')
        .where('tenantId', '=', tenantId)
        .execute()
    },
  }
}

const nameOf = ({ container, containerId, member, memberId }: Membership): string =>
  JSON.stringify([container, containerId, member, memberId])

const entityOf = ({ kind, content, ...row }: IdentityEntityRow): StoredEntity => ({
  ...row,
  kind: kind as EntityKind,
  content: JSON.parse(content),
})

const membershipOf = ({ container, member, ...row }: IdentityMembershipRow): Membership => ({
  ...row,
  container: container as ContainerKind,
  member: member as MemberType,
})
