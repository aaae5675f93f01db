import { z } from 'zod'
import { wrongGroupId } from './ids.ts'
import type { Container } from './kind.ts'
import { nameOnly } from './parts.ts'

export const group: Container = {
  kind: 'group',
  plural: 'groups',
  title: 'group',
  resourceType: 'GROUP',
  idField: 'groupId',
  wrongId: wrongGroupId,
  create: z.strictObject(nameOnly),
  update: z.strictObject(nameOnly),
  view: ({ id, content }) => ({ groupId: id, name: content.name, description: content.description ?? '' }),
  filterFields: ['groupId', 'name'],
  sortFields: ['name', 'groupId'],
  members: ['user', 'client', 'mapping-rule'],
}
