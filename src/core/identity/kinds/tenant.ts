import { z } from 'zod'
import { wrongTenantId } from './ids.ts'
import type { Container } from './kind.ts'
import { nameOnly } from './parts.ts'

/** A tenant of the identity service: not one of Countersign, which is a world of its own. */
export const tenant: Container = {
  kind: 'tenant',
  plural: 'tenants',
  title: 'tenant',
  resourceType: 'TENANT',
  idField: 'tenantId',
  wrongId: wrongTenantId,
  create: z.strictObject(nameOnly),
  update: z.strictObject(nameOnly),
  view: ({ id, content }) => ({ tenantId: id, name: content.name, description: content.description ?? '' }),
  filterFields: ['tenantId', 'name'],
  sortFields: ['key', 'name', 'tenantId'],
  members: ['user', 'client', 'group', 'role', 'mapping-rule'],
}
