import type { IdentityModel } from './model.ts'
import { isAuthorized, type Principal, resolve } from './resolve.ts'

/** How somebody comes to what he may do, step by step. */
export interface IdentityExplanation {
  readonly principal: { readonly type: 'user' | 'client'; readonly id: string }
  readonly claims: Readonly<Record<string, unknown>>
  readonly mappingRules: readonly { readonly mappingRuleId: string; readonly because: string }[]
  readonly groups: readonly Step[]
  readonly roles: readonly Step[]
  readonly tenants: readonly Step[]
  /** Named by the token, or by the configuration for certificates; no such role is there, so they count for nothing. */
  readonly unknownRoles: readonly string[]
  readonly authorizations: readonly {
    readonly authorizationKey: string
    readonly owner: string
    readonly resourceType: string
    readonly resourceId: string
    readonly permissionTypes: readonly string[]
  }[]
  /** Of what was asked for, if something was. */
  readonly decision: { readonly allowed: boolean; readonly because: string } | undefined
}

interface Step {
  readonly id: string
  readonly because: string
}

export interface Question {
  readonly resourceType: string
  readonly permission: string
  readonly resourceId: string
}

/** claims -> matched mapping rules -> groups -> roles -> tenants -> authorizations -> decision. */
export function explainIdentity(
  principal: Principal,
  model: IdentityModel,
  authorizationsEnabled: boolean,
  question?: Question,
): IdentityExplanation {
  const found = resolve(principal, model)
  const self = `${principal.type} ${principal.id}`
  const viaRules = (container: 'role' | 'group' | 'tenant', id: string): string | undefined =>
    found.mappingRules.find(rule => model.containersOf('mapping-rule', rule, container).has(id))
  const because = (container: 'role' | 'group' | 'tenant', id: string): string => {
    if (model.containersOf(principal.type, principal.id, container).has(id)) return `${self} is a member`
    const rule = viaRules(container, id)
    if (rule !== undefined) return `mapping rule ${rule} is a member`
    const group = found.groups.find(one => model.containersOf('group', one, container).has(id))
    if (group !== undefined) return `group ${group} is a member`
    const role = found.roles.find(one => model.containersOf('role', one, container).has(id))
    if (role !== undefined) return `role ${role} is a member`
    return 'certificate' in principal.claims
      ? 'whoever shows a certificate has it (CAMUNDA_SECURITY_AUTHENTICATION_MTLS_DEFAULT_ROLES)'
      : 'the token names it'
  }
  const step =
    (container: 'role' | 'group' | 'tenant') =>
    (id: string): Step => ({ id, because: because(container, id) })
  return {
    principal: { type: principal.type, id: principal.id },
    claims: principal.claims,
    mappingRules: found.mappingRules.map(id => {
      const { claimName, claimValue } = model.entity('mapping-rule', id)!.content
      return { mappingRuleId: id, because: `claim ${claimName} has the value ${claimValue}` }
    }),
    groups: found.groups.map(step('group')),
    roles: found.roles.map(step('role')),
    tenants: found.tenants.map(step('tenant')),
    unknownRoles: (principal.roles ?? []).filter(role => !model.entity('role', role)),
    authorizations: found.authorizations.map(one => ({
      authorizationKey: one.key,
      owner: `${one.ownerType} ${one.ownerId}`,
      resourceType: one.resourceType,
      resourceId: one.resourceId,
      permissionTypes: one.permissionTypes,
    })),
    decision: question && decide(question),
  }

  function decide({ resourceType, permission, resourceId }: Question): { allowed: boolean; because: string } {
    const what = `${permission} on ${resourceType} ${resourceId}`
    if (!authorizationsEnabled)
      return {
        allowed: true,
        because: 'authorizations are switched off: whoever is let in may do everything',
      }
    const granting = found.authorizations.find(one =>
      isAuthorized({ authorizations: [one] }, resourceType, permission, resourceId),
    )
    return granting
      ? {
          allowed: true,
          because: `authorization ${granting.key} of ${granting.ownerType} ${granting.ownerId} grants ${what}`,
        }
      : {
          allowed: false,
          because: `no authorization of ${[self, ...found.mappingRules, ...found.groups, ...found.roles].join(', ')} grants ${what}`,
        }
  }
}
