import { ConfigError } from '../config.ts'
import type { Bound, Place } from './bind.ts'
import { plainName } from './names.ts'
import type { Initialization, Members } from './settings.ts'
import { text } from './values.ts'
import { type VariableId, variables } from './variables/index.ts'

/** Roles that are there from the start, whose names have dashes, which variables cannot have. */
const dashed = ['app-integrations', 'readonly-admin', 'task-worker']

/** What is created at the start. Throws ConfigError. */
export function readInitialization(bound: Bound): Initialization {
  const rules = each(bound, ['ruleId', 'ruleName', 'ruleClaimName', 'ruleClaimValue'], place => {
    const id = bound.get('ruleId', text, place) ?? `mapping-rule-${place.n}`
    return {
      mappingRuleId: id,
      name: bound.get('ruleName', text, place) ?? id,
      claimName: required(bound, 'ruleClaimName', place),
      claimValue: required(bound, 'ruleClaimValue', place),
    }
  })
  const roles = each(bound, idsOf('role'), place => {
    const roleId = required(bound, 'roleId', place)
    return {
      roleId,
      name: bound.get('roleName', text, place) ?? roleId,
      description: bound.get('roleDescription', text, place),
      users: all(bound, 'roleUsers', place),
      clients: all(bound, 'roleClients', place),
      groups: all(bound, 'roleGroups', place),
      mappingRules: all(bound, 'roleMappingRules', place),
    }
  })
  const defaultRoles = readDefaultRoles(
    bound,
    roles.map(role => role.roleId),
  )
  const first = firstRule(bound)
  return {
    mappingRules: first ? [first, ...rules] : rules,
    roles,
    groups: each(bound, idsOf('group'), place => {
      const groupId = required(bound, 'groupId', place)
      return {
        groupId,
        name: bound.get('groupName', text, place) ?? groupId,
        description: bound.get('groupDescription', text, place),
        users: all(bound, 'groupUsers', place),
        clients: all(bound, 'groupClients', place),
        groups: [],
        mappingRules: all(bound, 'groupMappingRules', place),
      }
    }),
    tenants: each(bound, idsOf('tenant'), place => {
      const tenantId = required(bound, 'tenantId', place)
      return {
        tenantId,
        name: bound.get('tenantName', text, place) ?? tenantId,
        description: bound.get('tenantDescription', text, place),
        users: all(bound, 'tenantUsers', place),
        clients: all(bound, 'tenantClients', place),
        groups: all(bound, 'tenantGroups', place),
        roles: all(bound, 'tenantRoles', place),
        mappingRules: all(bound, 'tenantMappingRules', place),
      }
    }),
    users: each(bound, ['userName', 'userPassword', 'userFullName', 'userEmail'], place => ({
      username: required(bound, 'userName', place),
      password: required(bound, 'userPassword', place),
      name: bound.get('userFullName', text, place),
      email: bound.get('userEmail', text, place),
    })),
    authorizations: each(bound, idsOf('authorization'), place => ({
      ownerType: required(bound, 'authorizationOwnerType', place).toUpperCase(),
      ownerId: required(bound, 'authorizationOwnerId', place),
      resourceType: required(bound, 'authorizationResourceType', place).toUpperCase(),
      resourceId: required(bound, 'authorizationResourceId', place),
      permissions: all(bound, 'authorizationPermissions', place).map(one => one.toUpperCase()),
    })),
    defaultRoles: first ? withAdministrator(defaultRoles, first.mappingRuleId) : defaultRoles,
  }
}

/** `INITIAL_CLAIM_VALUE` */
function firstRule(bound: Bound) {
  const claimName = bound.get('initialClaimName', text) ?? 'oid'
  const claimValue = bound.get('initialClaimValue', text)
  if (claimValue === undefined) return undefined
  return { mappingRuleId: 'initial-claim', name: 'Initial claim', claimName, claimValue }
}

function withAdministrator(roles: Record<string, Members>, rule: string): Record<string, Members> {
  const admin = roles.admin ?? { users: [], clients: [], groups: [], mappingRules: [] }
  return { ...roles, admin: { ...admin, mappingRules: [rule, ...admin.mappingRules] } }
}

function readDefaultRoles(bound: Bound, created: readonly string[]): Record<string, Members> {
  const byPlainName = new Map([...dashed, ...created].map(id => [plainName(id).text, id]))
  const given = bound.roles([
    'defaultRoleUsers',
    'defaultRoleClients',
    'defaultRoleGroups',
    'defaultRoleMappingRules',
  ])
  return Object.fromEntries(
    given.map(role => [
      byPlainName.get(plainName(role).text) ?? (role === role.toUpperCase() ? role.toLowerCase() : role),
      {
        users: all(bound, 'defaultRoleUsers', { role }),
        clients: all(bound, 'defaultRoleClients', { role }),
        groups: all(bound, 'defaultRoleGroups', { role }),
        mappingRules: all(bound, 'defaultRoleMappingRules', { role }),
      },
    ]),
  )
}

/** The ids of a kind, which all begin with it. */
const idsOf = (kind: 'role' | 'group' | 'tenant' | 'authorization') =>
  (Object.keys(variables) as VariableId[]).filter(id => new RegExp(`^${kind}[A-Z]`).test(id))

const each = <T>(bound: Bound, ids: readonly VariableId[], read: (place: { n: number }) => T): T[] =>
  Array.from({ length: bound.count(ids) }, (_, n) => read({ n }))

const all = (bound: Bound, id: VariableId, place: Place) => (bound.list(id, place) ?? []).map(text)

function required(bound: Bound, id: VariableId, place: Place): string {
  const value = bound.get(id, text, place)
  if (value !== undefined) return value
  throw new ConfigError(`${bound.nameOf(id, place)} is missing: others of the same number are set`)
}
