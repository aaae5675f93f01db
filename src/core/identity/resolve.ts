import type { AuthorizationContent } from './kinds/authorization.ts'
import type { IdentityModel } from './model.ts'
import type { ContainerKind } from './store.ts'

/** Who calls, as far as a credential has proven it. */
export interface Principal {
  readonly type: 'user' | 'client'
  /** User name, or client id. */
  readonly id: string
  /** Of the token; of a certificate what it says: `certificate.subject` and so on. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Groups that the token itself names, where it is configured to; then stored ones do not count. */
  readonly groups?: readonly string[] | undefined
  /** Roles that come with the way in which it proved itself: of certificates. */
  readonly roles?: readonly string[] | undefined
}

/** What a principal belongs to, and what it may do, with the way there. */
export interface Memberships {
  readonly mappingRules: readonly string[]
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly tenants: readonly string[]
  readonly authorizations: readonly OwnedAuthorization[]
}

export interface OwnedAuthorization extends AuthorizationContent {
  readonly key: string
}

/**
 * claims -> mapping rules -> groups -> roles -> tenants -> authorizations. Groups are in no groups. The `roles` of a
 * token count by themselves where the issuer is Entra; of others where a mapping rule names them.
 */
export function resolve(
  { type, id, claims, groups: given, roles: configured = [] }: Principal,
  model: IdentityModel,
): Memberships {
  const mappingRules = [...new Set(model.rulesFor(claims))]
  const ofSelf = (container: ContainerKind): string[] => [
    ...model.containersOf(type, id, container),
    ...mappingRules.flatMap(rule => [...model.containersOf('mapping-rule', rule, container)]),
  ]
  const ofGroups = (container: ContainerKind): string[] =>
    groups.flatMap(group => [...model.containersOf('group', group, container)])
  const groups = [...new Set(given ?? ofSelf('group'))]
  const roles = [
    ...new Set([
      ...configured.filter(role => model.entity('role', role)),
      ...ofSelf('role'),
      ...ofGroups('role'),
    ]),
  ]
  const tenants = [
    ...new Set([
      ...ofSelf('tenant'),
      ...ofGroups('tenant'),
      ...roles.flatMap(role => [...model.containersOf('role', role, 'tenant')]),
    ]),
  ]
  const owners: [ownerType: string, ownerId: string][] = [
    [type === 'user' ? 'USER' : 'CLIENT', id],
    ...mappingRules.map((rule): [string, string] => ['MAPPING_RULE', rule]),
    ...groups.map((group): [string, string] => ['GROUP', group]),
    ...roles.map((role): [string, string] => ['ROLE', role]),
  ]
  const authorizations = owners.flatMap(([ownerType, ownerId]) =>
    [...model.authorizationsOf(ownerType, ownerId)].map(
      (key): OwnedAuthorization => ({
        key,
        ...(model.entity('authorization', key)!.content as unknown as AuthorizationContent),
      }),
    ),
  )
  return { mappingRules, groups, roles, tenants, authorizations }
}

/** May it do that with this resource? `*` in an authorization stands for every one. */
export function isAuthorized(
  { authorizations }: Pick<Memberships, 'authorizations'>,
  resourceType: string,
  permission: string,
  resourceId: string,
): boolean {
  return authorizations.some(
    one =>
      one.resourceType === resourceType &&
      (one.resourceId === '*' || one.resourceId === resourceId) &&
      one.permissionTypes.includes(permission),
  )
}
