import type { Variable } from './variable.ts'

export const initializationVariables = {
  initialClaimName: {
    names: ['INITIAL_CLAIM_NAME'],
    does: 'claim of the first mapping rule, `oid` unless set',
  },
  initialClaimValue: {
    names: ['INITIAL_CLAIM_VALUE'],
    does: 'makes the first mapping rule, `initial-claim`: who has this value in that claim has role `admin`',
  },
  ruleId: {
    names: [
      'CAMUNDA_SECURITY_INITIALIZATION_MAPPINGRULES_<n>_MAPPINGRULEID',
      'CAMUNDA_SECURITY_INITIALIZATION_MAPPINGS_<n>_MAPPINGID',
    ],
    does: 'a mapping rule to create: its id, `mapping-rule-<n>` unless set',
  },
  ruleName: {
    names: [
      'CAMUNDA_SECURITY_INITIALIZATION_MAPPINGRULES_<n>_NAME',
      'CAMUNDA_SECURITY_INITIALIZATION_MAPPINGS_<n>_NAME',
    ],
    does: 'its name',
  },
  ruleClaimName: {
    names: [
      'CAMUNDA_SECURITY_INITIALIZATION_MAPPINGRULES_<n>_CLAIMNAME',
      'CAMUNDA_SECURITY_INITIALIZATION_MAPPINGS_<n>_CLAIMNAME',
    ],
    does: 'the claim, a name or a JSONPath',
  },
  ruleClaimValue: {
    names: [
      'CAMUNDA_SECURITY_INITIALIZATION_MAPPINGRULES_<n>_CLAIMVALUE',
      'CAMUNDA_SECURITY_INITIALIZATION_MAPPINGS_<n>_CLAIMVALUE',
    ],
    does: 'the value that it must have or hold',
  },
  userName: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_USERS_<n>_USERNAME'],
    does: 'a user to create, with `BASIC` only',
  },
  userPassword: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_USERS_<n>_PASSWORD'],
    does: 'the password of this user',
    secret: true,
  },
  userFullName: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_USERS_<n>_NAME'],
    does: 'the name of this user',
  },
  userEmail: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_USERS_<n>_EMAIL'],
    does: 'the mail address of this user',
  },
  roleId: { names: ['CAMUNDA_SECURITY_INITIALIZATION_ROLES_<n>_ROLEID'], does: 'a role to create: its id' },
  roleName: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_ROLES_<n>_NAME'],
    does: 'its name, the id unless set',
  },
  roleDescription: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_ROLES_<n>_DESCRIPTION'],
    does: 'its description',
  },
  roleUsers: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_ROLES_<n>_USERS'],
    does: 'who has it: users',
    list: true,
  },
  roleClients: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_ROLES_<n>_CLIENTS'],
    does: 'applications',
    list: true,
  },
  roleGroups: { names: ['CAMUNDA_SECURITY_INITIALIZATION_ROLES_<n>_GROUPS'], does: 'groups', list: true },
  roleMappingRules: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_ROLES_<n>_MAPPINGRULES'],
    does: 'mapping rules',
    list: true,
  },
  groupId: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_GROUPS_<n>_GROUPID'],
    does: 'a group to create: its id',
  },
  groupName: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_GROUPS_<n>_NAME'],
    does: 'its name, the id unless set',
  },
  groupDescription: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_GROUPS_<n>_DESCRIPTION'],
    does: 'its description',
  },
  groupUsers: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_GROUPS_<n>_USERS'],
    does: 'who is in it: users',
    list: true,
  },
  groupClients: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_GROUPS_<n>_CLIENTS'],
    does: 'applications',
    list: true,
  },
  groupMappingRules: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_GROUPS_<n>_MAPPINGRULES'],
    does: 'mapping rules',
    list: true,
  },
  tenantId: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_TENANTS_<n>_TENANTID'],
    does: 'a tenant to create: its id',
  },
  tenantName: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_TENANTS_<n>_NAME'],
    does: 'its name, the id unless set',
  },
  tenantDescription: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_TENANTS_<n>_DESCRIPTION'],
    does: 'its description',
  },
  tenantUsers: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_TENANTS_<n>_USERS'],
    does: 'who belongs to it: users',
    list: true,
  },
  tenantClients: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_TENANTS_<n>_CLIENTS'],
    does: 'applications',
    list: true,
  },
  tenantGroups: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_TENANTS_<n>_GROUPS'],
    does: 'groups',
    list: true,
  },
  tenantRoles: { names: ['CAMUNDA_SECURITY_INITIALIZATION_TENANTS_<n>_ROLES'], does: 'roles', list: true },
  tenantMappingRules: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_TENANTS_<n>_MAPPINGRULES'],
    does: 'mapping rules',
    list: true,
  },
  authorizationOwnerType: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_AUTHORIZATIONS_<n>_OWNERTYPE'],
    does: 'an authorization to create: `USER`, `CLIENT`, `ROLE`, `GROUP` or `MAPPING_RULE`',
  },
  authorizationOwnerId: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_AUTHORIZATIONS_<n>_OWNERID'],
    does: 'whose it is',
  },
  authorizationResourceType: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_AUTHORIZATIONS_<n>_RESOURCETYPE'],
    does: 'for what kind of resource',
  },
  authorizationResourceId: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_AUTHORIZATIONS_<n>_RESOURCEID'],
    does: 'for which one, `*` for all',
  },
  authorizationPermissions: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_AUTHORIZATIONS_<n>_PERMISSIONS'],
    does: 'to do what',
    list: true,
  },
  defaultRoleUsers: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_DEFAULTROLES_<role>_USERS'],
    does: 'who has a role that is there from the start (`admin`, `connectors`, ...): users',
    list: true,
  },
  defaultRoleClients: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_DEFAULTROLES_<role>_CLIENTS'],
    does: 'applications',
    list: true,
  },
  defaultRoleGroups: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_DEFAULTROLES_<role>_GROUPS'],
    does: 'groups',
    list: true,
  },
  defaultRoleMappingRules: {
    names: ['CAMUNDA_SECURITY_INITIALIZATION_DEFAULTROLES_<role>_MAPPINGRULES'],
    does: 'mapping rules',
    list: true,
  },
} as const satisfies Record<string, Variable>
