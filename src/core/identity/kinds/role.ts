import { z } from 'zod'
import { wrongCommonId } from './ids.ts'
import type { Container } from './kind.ts'
import { nameOnly } from './parts.ts'

export const role: Container = {
  kind: 'role',
  plural: 'roles',
  title: 'role',
  resourceType: 'ROLE',
  idField: 'roleId',
  wrongId: wrongCommonId,
  create: z.strictObject(nameOnly),
  update: z.strictObject(nameOnly),
  view: ({ id, content }) => ({ roleId: id, name: content.name, description: content.description ?? '' }),
  filterFields: ['roleId', 'name'],
  sortFields: ['name', 'roleId'],
  members: ['user', 'client', 'group', 'mapping-rule'],
}
