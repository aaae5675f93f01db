import { z } from 'zod'
import { claimPath } from '../claim-path.ts'
import { wrongCommonId } from './ids.ts'
import type { Kind } from './kind.ts'
import { text } from './parts.ts'

const fields = {
  name: text(256),
  claimName: text(256).refine(
    name => claimPath(name) !== undefined,
    'write the name of a claim, or a path such as $.realm_access.roles',
  ),
  claimValue: text(1024),
}

/** Whoever has a claim of that value is what the rule is: a member of groups, roles and tenants, owner of authorizations. */
export const mappingRule: Kind = {
  kind: 'mapping-rule',
  plural: 'mapping-rules',
  title: 'mapping rule',
  resourceType: 'MAPPING_RULE',
  idField: 'mappingRuleId',
  wrongId: wrongCommonId,
  create: z.strictObject(fields),
  update: z.strictObject(fields),
  view: ({ id, content }) => ({
    mappingRuleId: id,
    claimName: content.claimName,
    claimValue: content.claimValue,
    name: content.name,
  }),
  filterFields: ['mappingRuleId', 'claimName', 'claimValue', 'name'],
  sortFields: ['mappingRuleId', 'claimName', 'claimValue', 'name'],
}
