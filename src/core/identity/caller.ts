import { isAuthorized, type Memberships, type Principal } from './resolve.ts'

/** In which way a caller proved who it is. */
export type ProvenBy = 'token' | 'session' | 'certificate' | 'password' | 'service' | 'nothing'

/** Who calls the identity service, and what belongs to him. */
export interface IdentityCaller {
  /** undefined: nobody in particular, where the API is not protected. */
  readonly principal: Principal | undefined
  readonly by: ProvenBy
  readonly memberships: Memberships
  readonly displayName: string | undefined
  readonly email: string | undefined
  /** Milliseconds; from then on the proof is worth nothing any more. */
  readonly until: number | undefined
  readonly proof?: string | undefined
}

export const nobodyInParticular: IdentityCaller = {
  principal: undefined,
  by: 'nothing',
  memberships: { mappingRules: [], groups: [], roles: [], tenants: [], authorizations: [] },
  displayName: undefined,
  email: undefined,
  until: undefined,
}

/** Says what a caller may do. */
export interface Permissions {
  /** With one resource; `*`: with all of them. */
  may(caller: IdentityCaller, resourceType: string, permission: string, resourceId: string): boolean
}

/** `enabled`: without it whoever is let in may do everything, as CAMUNDA_SECURITY_AUTHORIZATIONS_ENABLED=false says. */
export const createPermissions = (enabled: boolean): Permissions => ({
  may: ({ memberships }, resourceType, permission, resourceId) =>
    !enabled || isAuthorized(memberships, resourceType, permission, resourceId),
})
