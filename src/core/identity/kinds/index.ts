import type { ContainerKind, EntityKind } from '../store.ts'
import { authorization } from './authorization.ts'
import { group } from './group.ts'
import type { Container, Kind } from './kind.ts'
import { mappingRule } from './mapping-rule.ts'
import { role } from './role.ts'
import { tenant } from './tenant.ts'
import { user } from './user.ts'

/** THE LIST of kinds of entities. */
export const kinds: readonly Kind[] = [user, role, group, tenant, mappingRule, authorization]

export const kindOf = (kind: EntityKind): Kind => kinds.find(one => one.kind === kind)!

/** Kinds that others can be members of. */
export const containers: readonly Container[] = [role, group, tenant]
export const containerOf = (kind: ContainerKind): Container => containers.find(one => one.kind === kind)!
