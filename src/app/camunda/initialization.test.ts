import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { messages, read, settingsOf } from '../../../test/support/camunda-settings.ts'

describe('what is created at the start', () => {
  const at = 'CAMUNDA_SECURITY_INITIALIZATION_'

  test('has users, rules, roles, groups, tenants, authorizations and members', () => {
    const env = {
      INITIAL_CLAIM_NAME: 'roles',
      INITIAL_CLAIM_VALUE: 'Admins',
      [`${at}USERS_0_USERNAME`]: 'demo',
      [`${at}USERS_0_PASSWORD`]: 'hush',
      [`${at}USERS_0_EMAIL`]: 'demo@example.com',
      [`${at}MAPPINGRULES_0_MAPPINGRULEID`]: 'orders',
      [`${at}MAPPINGRULES_0_CLAIMNAME`]: '$.app_roles',
      [`${at}MAPPING_RULES_0_CLAIM_VALUE`]: 'Orders.Read',
      [`${at}MAPPINGS_1_CLAIMNAME`]: 'aud',
      [`${at}MAPPINGS_1_CLAIMVALUE`]: 'x',
      [`${at}ROLES_0_ROLEID`]: 'reader',
      [`${at}ROLES_0_MAPPINGRULES`]: 'orders',
      [`${at}ROLES_0_CLIENTS_0`]: 'c1',
      [`${at}ROLES_0_CLIENTS_1`]: 'c2',
      [`${at}GROUPS_0_GROUPID`]: 'g',
      [`${at}GROUPS_0_NAME`]: 'Group',
      [`${at}GROUPS_0_USERS`]: 'demo',
      [`${at}TENANTS_0_TENANTID`]: 't',
      [`${at}TENANTS_0_ROLES`]: 'reader',
      [`${at}AUTHORIZATIONS_0_OWNERTYPE`]: 'role',
      [`${at}AUTHORIZATIONS_0_OWNERID`]: 'reader',
      [`${at}AUTHORIZATIONS_0_RESOURCETYPE`]: 'mapping_rule',
      [`${at}AUTHORIZATIONS_0_RESOURCEID`]: '*',
      [`${at}AUTHORIZATIONS_0_PERMISSIONS`]: 'read,UPDATE',
      [`${at}DEFAULTROLES_ADMIN_USERS_0`]: 'demo',
      [`${at}DEFAULT_ROLES_ADMIN_MAPPINGRULES`]: 'orders',
      [`${at}DEFAULTROLES_READONLYADMIN_GROUPS`]: 'g',
    }
    const none = { users: [], clients: [], groups: [], mappingRules: [] }
    assert.deepEqual(settingsOf(env).initialization, {
      mappingRules: [
        { mappingRuleId: 'initial-claim', name: 'Initial claim', claimName: 'roles', claimValue: 'Admins' },
        { mappingRuleId: 'orders', name: 'orders', claimName: '$.app_roles', claimValue: 'Orders.Read' },
        { mappingRuleId: 'mapping-rule-1', name: 'mapping-rule-1', claimName: 'aud', claimValue: 'x' },
      ],
      roles: [
        {
          roleId: 'reader',
          name: 'reader',
          description: undefined,
          ...none,
          clients: ['c1', 'c2'],
          mappingRules: ['orders'],
        },
      ],
      groups: [{ groupId: 'g', name: 'Group', description: undefined, ...none, users: ['demo'] }],
      tenants: [{ tenantId: 't', name: 't', description: undefined, ...none, roles: ['reader'] }],
      users: [{ username: 'demo', password: 'hush', name: undefined, email: 'demo@example.com' }],
      authorizations: [
        {
          ownerType: 'ROLE',
          ownerId: 'reader',
          resourceType: 'MAPPING_RULE',
          resourceId: '*',
          permissions: ['READ', 'UPDATE'],
        },
      ],
      defaultRoles: {
        admin: { ...none, users: ['demo'], mappingRules: ['initial-claim', 'orders'] },
        'readonly-admin': { ...none, groups: ['g'] },
      },
    })
    assert.deepEqual(read(env).notices, [])
  })

  test('has no mapping rule for a claim without value', () => {
    assert.deepEqual(messages({ INITIAL_CLAIM_NAME: 'oid' }, 'warn'), [
      'INITIAL_CLAIM_NAME makes no mapping rule before INITIAL_CLAIM_VALUE is set',
    ])
  })
})
