import { introspectRole, sendRole } from '../plans.ts'

/** Roles that exist from the start in every tenant, for plan `integration-flow`; they cannot be changed. */
export const predefinedRoles = [
  { name: sendRole, description: 'Send messages to integration flows' },
  { name: introspectRole, description: 'Ask the token server about tokens of the own audience' },
] as const

/** The fixed roles of plan `api`: the scopes of the admin API. */
export const apiRoles = [
  { name: 'MonitoringDataRead', description: 'Read message logs, decision records, flows and keys' },
  { name: 'CredentialsRead', description: 'Read service instances and service keys' },
  { name: 'CredentialsEdit', description: 'Create, change and delete service instances and service keys' },
  {
    name: 'SecurityMaterialEdit',
    description:
      'Rotate signing keys, run the authority, say whom senders may come from, keep keys and credentials for calling others',
  },
  { name: 'UserRolesEdit', description: 'Create and delete roles, give them to users' },
  { name: 'WorkspaceArtifactsDeploy', description: 'Deploy and undeploy integration flows' },
  { name: 'TenantsEdit', description: 'Operate the whole server: tenants, master key (tenant default only)' },
  { name: introspectRole, description: 'Ask the token server about tokens of the own audience' },
] as const

/** Belongs to the operator; only instances of the tenant `default` can have it. */
export const operatorRole = 'TenantsEdit'

export type ApiRole = (typeof apiRoles)[number]['name']

export function isPredefined(name: string): boolean {
  return predefinedRoles.some(role => role.name === name) || apiRoles.some(role => role.name === name)
}
