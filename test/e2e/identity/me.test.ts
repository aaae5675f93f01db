import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createFirstAdministrator, ensureIdentityDefaults } from '../../../src/core/identity/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import {
  type Asking,
  basicOf,
  password,
  startTestIdentity,
  type TestIdentity,
} from '../../support/identity.ts'

let identity: TestIdentity
let admin: Asking
before(async () => {
  identity = await startTestIdentity()
  admin = identity.admin
})
after(() => identity.close())

const defaultTenant = { tenantId: '<default>', name: 'Default', description: '' }

describe('who I am', () => {
  test('has all ten members, also at the address of the described system', async () => {
    for (const path of ['/v2/authentication/me', '/identity/api/authentication/me']) {
      const { status, body, headers } = await admin('GET', path)
      assert.equal(status, 200)
      assert.equal(headers['cache-control'], 'no-store')
      assert.deepEqual(body, {
        username: 'admin',
        displayName: 'admin',
        email: null,
        authorizedComponents: ['*'],
        tenants: [defaultTenant],
        groups: [],
        roles: ['admin'],
        salesPlanType: '',
        c8Links: {},
        canLogout: false,
      })
    }
  })

  test('follows groups to roles and tenants, and components by name', async () => {
    await admin('POST', '/v2/users', { username: 'eve', password, name: 'Eve', email: 'eve@example.com' })
    await admin('POST', '/v2/groups', { groupId: 'staff', name: 'Staff' })
    await admin('POST', '/v2/roles', { roleId: 'clerk', name: 'Clerk' })
    await admin('POST', '/v2/tenants', { tenantId: 'berlin', name: 'Berlin', description: 'B' })
    await admin('PUT', '/v2/groups/staff/users/eve')
    await admin('PUT', '/v2/roles/clerk/groups/staff')
    await admin('PUT', '/v2/tenants/berlin/roles/clerk')
    for (const resourceId of ['tasklist', 'operate'])
      await admin('POST', '/v2/authorizations', {
        ownerType: 'ROLE',
        ownerId: 'clerk',
        resourceType: 'COMPONENT',
        resourceId,
        permissionTypes: ['ACCESS'],
      })
    const me = () =>
      identity.stranger('GET', '/v2/authentication/me', undefined, { Authorization: basicOf('eve') })
    assert.deepEqual((await me()).body, {
      username: 'eve',
      displayName: 'Eve',
      email: 'eve@example.com',
      authorizedComponents: ['operate', 'tasklist'],
      tenants: [{ tenantId: 'berlin', name: 'Berlin', description: 'B' }],
      groups: ['staff'],
      roles: ['clerk'],
      salesPlanType: '',
      c8Links: {},
      canLogout: false,
    })
    await admin('DELETE', '/v2/groups/staff/users/eve')
    const { roles, tenants, authorizedComponents } = (await me()).body
    assert.deepEqual([roles, tenants, authorizedComponents], [[], [], []])
  })

  test('may ask for the topology, which says that there are no brokers', async () => {
    const ask = await identity.user('plain')
    const { status, body } = await ask('GET', '/v2/topology')
    assert.equal(status, 200)
    assert.deepEqual(body.brokers, [])
    assert.equal(body.gatewayVersion, '8.8.0')
  })
})

describe('predefined roles', () => {
  const may = async (ask: Asking, method: string, path: string, body?: unknown) =>
    (await ask(method, path, body)).status !== 403

  test('are there from the first start on, without members', async () => {
    const { body } = await admin<{ items: { roleId: string }[] }>('POST', '/v2/roles/search')
    const names = body.items.map(({ roleId }) => roleId)
    for (const roleId of [
      ...['admin', 'readonly-admin', 'connectors', 'rpa'],
      ...['app-integrations', 'task-worker', 'user'],
    ]) {
      assert.ok(names.includes(roleId), roleId)
      for (const type of ['users', 'clients', 'groups', 'mapping-rules']) {
        const { body } = await admin<{ items: object[] }>('POST', `/v2/roles/${roleId}/${type}/search`)
        assert.deepEqual(body.items, roleId === 'admin' && type === 'users' ? [{ username: 'admin' }] : [])
      }
    }
  })

  test('readonly-admin reads everything and changes nothing', async () => {
    const ask = await identity.user('auditor')
    await admin('PUT', '/v2/roles/readonly-admin/users/auditor')
    assert.ok(await may(ask, 'GET', '/v2/users/admin'))
    assert.ok(await may(ask, 'GET', '/v2/authorizations/1'))
    assert.ok(!(await may(ask, 'POST', '/v2/users', { username: 'x', password })))
    assert.ok(!(await may(ask, 'PUT', '/v2/roles/admin/users/auditor')))
    assert.ok(!(await may(ask, 'DELETE', '/v2/authorizations/1')))
  })

  for (const roleId of ['connectors', 'rpa', 'app-integrations', 'task-worker', 'user'])
    test(`${roleId} may do nothing in this API`, async () => {
      const ask = await identity.user(`one-of-${roleId}`)
      await admin('PUT', `/v2/roles/${roleId}/users/one-of-${roleId}`)
      assert.ok(!(await may(ask, 'GET', '/v2/roles/admin')))
      assert.ok(!(await may(ask, 'POST', '/v2/roles', { roleId: 'x', name: 'X' })))
      assert.deepEqual((await ask('GET', '/v2/authentication/me')).body.roles, [roleId])
    })

  test('that were deleted or changed stay so when the server starts again', async () => {
    const { world } = identity
    await admin('DELETE', '/v2/roles/rpa')
    await admin('PUT', '/v2/roles/connectors', { name: 'Mine' })
    assert.equal(await ensureIdentityDefaults(world.tenant, world.server.services), false)
    assert.equal((await admin('GET', '/v2/roles/rpa')).status, 404)
    assert.equal((await admin('GET', '/v2/roles/connectors')).body.name, 'Mine')
  })
})

describe('the first administrator', () => {
  const given = { username: 'root', password, name: 'Root', email: 'root@example.com' }

  test('is set up by whoever is on the machine, and is the only one', async () => {
    const fresh = await startTestIdentity({ administrator: false })
    try {
      const made = await fresh.stranger('POST', '/v2/setup/user', given)
      assert.equal(made.status, 201)
      assert.deepEqual(made.body, { username: 'root', name: 'Root', email: 'root@example.com' })
      const me = await fresh.stranger('GET', '/v2/authentication/me', undefined, {
        Authorization: basicOf('root'),
      })
      assert.deepEqual(me.body.roles, ['admin'])
      const second = await fresh.stranger('POST', '/v2/setup/user', { ...given, username: 'second' })
      assert.equal(second.status, 403)
      assert.match(String(second.body.detail), /^there is an administrator already/)
    } finally {
      await fresh.close()
    }
  })

  test('is not made of what is wrong, nor by way of a proxy', async () => {
    const fresh = await startTestIdentity({ administrator: false })
    try {
      const setup = async (body: unknown, headers = {}) =>
        (await fresh.stranger('POST', '/v2/setup/user', body, headers)).status
      assert.equal(await setup(undefined), 400)
      assert.equal(await setup({ ...given, password: 'short' }), 400)
      assert.equal(await setup({ ...given, username: 'a b' }), 400)
      assert.equal(await setup({ password }), 400)
      assert.equal(await setup({ ...given, roles: ['admin'] }), 400)
      for (const name of ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP'])
        assert.equal(await setup(given, { [name]: '127.0.0.1' }), 403, name)
      assert.equal(await setup(JSON.stringify(given), { 'Content-Type': 'text/plain' }), 415)
      assert.equal((await fresh.stranger('GET', '/v2/setup/user')).status, 405)
    } finally {
      await fresh.close()
    }
  })

  test('is one, however many ask at once', async () => {
    const fresh = await startTestIdentity({ administrator: false })
    try {
      const made = await Promise.all(
        ['a', 'b', 'c'].map(username =>
          createFirstAdministrator(fresh.world.tenant, { ...given, username }, fresh.services),
        ),
      )
      assert.equal(made.filter(one => !isProblem(one)).length, 1)
    } finally {
      await fresh.close()
    }
  })

  test('is not set up where a group or a mapping rule is administrator', async () => {
    const fresh = await startTestIdentity()
    try {
      await fresh.admin('POST', '/v2/mapping-rules', {
        mappingRuleId: 'm',
        claimName: 'oid',
        claimValue: '1',
        name: 'M',
      })
      await fresh.admin('PUT', '/v2/roles/admin/mapping-rules/m')
      await fresh.admin('DELETE', '/v2/roles/admin/users/admin')
      assert.equal((await fresh.stranger('POST', '/v2/setup/user', given)).status, 403)
    } finally {
      await fresh.close()
    }
  })
})
