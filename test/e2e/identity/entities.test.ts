import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { kinds } from '../../../src/core/identity/index.ts'
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

/** For each kind whose ids are chosen: what is sent, what is answered, and another document. */
const samples = {
  user: {
    given: { username: 'ada', password, name: 'Ada', email: 'ada@example.com' },
    answer: { username: 'ada', name: 'Ada', email: 'ada@example.com' },
    update: { name: 'Ada L.' },
    updated: { username: 'ada', name: 'Ada L.', email: '' },
  },
  role: {
    given: { roleId: 'r-1', name: 'Role' },
    answer: { roleId: 'r-1', name: 'Role', description: '' },
    update: { name: 'Role 1', description: 'the first' },
    updated: { roleId: 'r-1', name: 'Role 1', description: 'the first' },
  },
  group: {
    given: { groupId: 'Group of/many words', name: 'Group', description: '' },
    answer: { groupId: 'Group of/many words', name: 'Group', description: '' },
    update: undefined,
    updated: undefined,
  },
  tenant: {
    given: { tenantId: 't_1', name: 'Tenant', description: 'd' },
    answer: { tenantId: 't_1', name: 'Tenant', description: 'd' },
    update: { name: 'Tenant 1' },
    updated: { tenantId: 't_1', name: 'Tenant 1', description: '' },
  },
  'mapping-rule': {
    given: { mappingRuleId: 'm-1', claimName: '$.realm.roles', claimValue: 'Admin', name: 'Rule' },
    answer: { mappingRuleId: 'm-1', claimName: '$.realm.roles', claimValue: 'Admin', name: 'Rule' },
    update: { claimName: 'oid', claimValue: '1', name: 'Rule 1' },
    updated: { mappingRuleId: 'm-1', claimName: 'oid', claimValue: '1', name: 'Rule 1' },
  },
} as const

describe('users, roles, groups, tenants and mapping rules', () => {
  for (const [name, { given, answer, update, updated }] of Object.entries(samples)) {
    const kind = kinds.find(one => one.kind === name)!
    const all = `/v2/${kind.plural}`
    const id = String(Object.values(answer)[0])
    const one = `${all}/${encodeURIComponent(id)}`

    test(`a ${kind.title} is created, once`, async () => {
      const made = await admin('POST', all, given)
      assert.equal(made.status, 201)
      assert.deepEqual(made.body, answer)
      const again = await admin('POST', all, given)
      assert.equal(again.status, 409)
      assert.match(String(again.body.detail), /already$/)
      const found = await admin<{ items: unknown[] }>('POST', `${all}/search`, {
        filter: { [kind.idField]: id },
      })
      assert.deepEqual(found.body.items, [answer])
    })

    if (update)
      test(`a ${kind.title} is read, changed and deleted`, async () => {
        assert.deepEqual((await admin('GET', one)).body, answer)
        const changed = await admin('PUT', one, update)
        assert.equal(changed.status, 200)
        assert.deepEqual(changed.body, updated)
        assert.deepEqual((await admin('GET', one)).body, updated)
        const deleted = await admin('DELETE', one)
        assert.equal(deleted.status, 204)
        assert.equal(deleted.text, '')
        for (const [method, body] of [['GET'], ['PUT', update], ['DELETE']] as const)
          assert.equal((await admin(method, one, body)).status, 404, method)
      })
  }

  test('a user signs in with his password until it is another, and a blank one changes nothing', async () => {
    const me = (secret: string) =>
      identity.stranger('GET', '/v2/authentication/me', undefined, { Authorization: basicOf('bob', secret) })
    await admin('POST', '/v2/users', { username: 'bob', password })
    assert.equal((await me(password)).status, 200)
    await admin('PUT', '/v2/users/bob', { name: 'Bob', password: '' })
    assert.equal((await me(password)).status, 200)
    await admin('PUT', '/v2/users/bob', { password: 'quite another one' })
    assert.equal((await me(password)).status, 401)
    assert.equal((await me('quite another one')).status, 200)
    await admin('DELETE', '/v2/users/bob')
    assert.equal((await me('quite another one')).status, 401)
  })

  test('no answer and no line of the log shows a password', async () => {
    const { text } = await admin('POST', '/v2/users/search')
    assert.ok(!text.includes('argon2') && !text.includes('password'))
    const lines = JSON.stringify(identity.world.log)
    assert.ok(!lines.includes(password) && !lines.includes('quite another one') && !lines.includes('argon2'))
  })

  test('every change leaves a line that says who made it', async () => {
    const { headers } = await admin('POST', '/v2/roles', { roleId: 'logged', name: 'L' })
    const line = identity.world.log.find(({ fields }) => fields.correlationId === headers['x-correlation-id'])
    assert.equal(line?.message, 'identity operation done')
    assert.equal(line.fields.actor, 'user admin')
    assert.equal(line.fields.operation, 'POST /v2/roles')
    assert.deepEqual(line.fields.set, { roleId: 'logged', name: 'L', description: '' })
  })

  test('a role may be called search', async () => {
    assert.equal((await admin('POST', '/v2/roles', { roleId: 'search', name: 'S' })).status, 201)
    assert.equal((await admin('GET', '/v2/roles/search')).body.roleId, 'search')
    assert.equal((await admin('DELETE', '/v2/roles/search')).status, 204)
  })
})

describe('refused documents', () => {
  const refused: readonly (readonly [what: string, path: string, body: unknown, detail: RegExp])[] = [
    ['no body', '/v2/roles', undefined, /the body is no JSON object/],
    ['a list', '/v2/roles', [{ roleId: 'x', name: 'X' }], /the body is no JSON object/],
    ['a text', '/v2/roles', '"x"', /application\/json/],
    ['no id', '/v2/roles', { name: 'X' }, /roleId: is missing/],
    ['an id that is a number', '/v2/roles', { roleId: 1, name: 'X' }, /roleId: is missing/],
    ['no name', '/v2/roles', { roleId: 'x' }, /name/],
    ['an empty name', '/v2/roles', { roleId: 'x', name: '' }, /name: must not be empty/],
    ['a name too long', '/v2/roles', { roleId: 'x', name: 'x'.repeat(257) }, /at most 256/],
    ['an unknown member', '/v2/roles', { roleId: 'x', name: 'X', admin: true }, /admin/],
    ['a member of prototypes', '/v2/roles', '{"roleId":"x","name":"X","__proto__":{"a":1}}', /__proto__/],
    ['a space in an id', '/v2/roles', { roleId: 'a b', name: 'X' }, /roleId: has 1 to 256 characters/],
    ['an id too long', '/v2/roles', { roleId: 'x'.repeat(257), name: 'X' }, /roleId: has/],
    ['an id that no address can end in', '/v2/roles', { roleId: '..', name: 'X' }, /neither . nor ../],
    [
      'a tenant id too long',
      '/v2/tenants',
      { tenantId: 'x'.repeat(32), name: 'X' },
      /tenantId: is <default>/,
    ],
    ['a tenant id with @', '/v2/tenants', { tenantId: 'a@b', name: 'X' }, /tenantId: is <default>/],
    ['a group id with a line end', '/v2/groups', { groupId: 'a\nb', name: 'X' }, /groupId: has/],
    ['half a character', '/v2/groups', { groupId: 'a\ud800', name: 'X' }, /groupId: has/],
    ['no password', '/v2/users', { username: 'x' }, /password/],
    ['a short password', '/v2/users', { username: 'x', password: 'short' }, /at least 8/],
    ['no address of e-mail', '/v2/users', { username: 'x', password, email: 'x' }, /no address of e-mail/],
    [
      'a broken path',
      '/v2/mapping-rules',
      { mappingRuleId: 'x', claimName: '$.a[', claimValue: 'v', name: 'X' },
      /claimName: write the name of a claim/,
    ],
    ['no claim', '/v2/mapping-rules', { mappingRuleId: 'x', claimValue: 'v', name: 'X' }, /claimName/],
  ]
  for (const [what, path, body, detail] of refused)
    test(what, async () => {
      const isText = typeof body === 'string' && body.startsWith('{')
      const answer = await admin('POST', path, body, isText ? { 'Content-Type': 'application/json' } : {})
      assert.equal(answer.status, what === 'a text' ? 415 : 400)
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      assert.match(String(answer.body.detail), detail)
      assert.equal(answer.body.instance, path)
    })

  test('what is no JSON, or does not say that it is', async () => {
    const send = (body: string, type?: string) =>
      admin('POST', '/v2/roles', body, type === undefined ? {} : { 'Content-Type': type })
    const good = '{"roleId":"typed","name":"T"}'
    assert.equal((await send('{broken', 'application/json')).status, 400)
    assert.equal((await send('['.repeat(10_000), 'application/json')).status, 400)
    assert.equal((await send(`{"name":${'['.repeat(20)}${']'.repeat(20)}}`, 'application/json')).status, 400)
    for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx'])
      assert.equal((await send(good, type)).status, 415, type)
    assert.equal((await send(good, 'application/json; charset=utf-8')).status, 201)
    assert.equal((await send(`"${'x'.repeat(600_000)}"`, 'application/json')).status, 413)
  })

  test('an id in the document of an update', async () => {
    assert.equal((await admin('PUT', '/v2/roles/rpa', { roleId: 'rpa', name: 'R' })).status, 400)
    assert.equal((await admin('PUT', '/v2/roles/rpa', {})).status, 400)
    assert.equal((await admin('GET', '/v2/roles/rpa')).body.name, 'RPA')
  })

  test('methods that an address does not have', async () => {
    const patched = await admin('PATCH', '/v2/roles/rpa', {})
    assert.equal(patched.status, 405)
    assert.equal(patched.headers.allow, 'GET, PUT, DELETE')
    assert.equal((await admin('GET', '/v2/roles')).status, 405)
    assert.equal((await admin('GET', '/v2/roles/rpa/users/ada')).status, 405)
    assert.equal((await admin('GET', '/v2/nothing')).status, 404)
  })
})

describe('authorizations', () => {
  const sample = {
    ownerType: 'CLIENT',
    ownerId: 'worker',
    resourceType: 'PROCESS_DEFINITION',
    resourceId: 'order',
    permissionTypes: ['READ_PROCESS_DEFINITION'],
  }

  test('get a key of their own, and are read, changed and deleted by it', async () => {
    const made = await admin<{ authorizationKey: string }>('POST', '/v2/authorizations', sample)
    assert.equal(made.status, 201)
    assert.deepEqual(Object.keys(made.body), ['authorizationKey'])
    assert.match(made.body.authorizationKey, /^\d+$/)
    const one = `/v2/authorizations/${made.body.authorizationKey}`
    const whole = { ...sample, authorizationKey: made.body.authorizationKey, resourcePropertyName: null }
    assert.deepEqual((await admin('GET', one)).body, whole)
    const changed = await admin('PUT', one, { ...sample, resourceId: '*' })
    assert.equal(changed.status, 204)
    assert.equal(changed.text, '')
    assert.equal((await admin('GET', one)).body.resourceId, '*')
    assert.equal((await admin('DELETE', one)).status, 204)
    assert.equal((await admin('GET', one)).status, 404)
    const next = await admin<{ authorizationKey: string }>('POST', '/v2/authorizations', sample)
    assert.ok(
      Number(next.body.authorizationKey) > Number(made.body.authorizationKey),
      'no key is given twice',
    )
  })

  test('are found by their owner and their resources', async () => {
    for (const resourceId of ['res-a', 'res-b', 'res-c'])
      await admin('POST', '/v2/authorizations', { ...sample, ownerId: 'found', resourceId })
    const search = async (filter: object) => {
      const { body } = await admin<{ items: { resourceId: string }[] }>('POST', '/v2/authorizations/search', {
        filter: { ownerId: 'found', ...filter },
        sort: [{ field: 'resourceId', order: 'DESC' }],
      })
      return body.items.map(({ resourceId }) => resourceId)
    }
    assert.deepEqual(await search({}), ['res-c', 'res-b', 'res-a'])
    assert.deepEqual(await search({ resourceIds: ['res-b', 'x'] }), ['res-b'])
    assert.deepEqual(await search({ ownerType: 'USER' }), [])
    assert.deepEqual(await search({ resourceType: 'PROCESS_DEFINITION', ownerType: 'CLIENT' }), [
      'res-c',
      'res-b',
      'res-a',
    ])
  })

  const wrong: readonly (readonly [string, object, status: number, RegExp])[] = [
    ['an owner type that there is not', { ownerType: 'GOD' }, 400, /ownerType/],
    ['a resource type that there is not', { resourceType: 'EVERYTHING' }, 400, /resourceType/],
    ['a resource type of prototypes', { resourceType: 'constructor' }, 400, /resourceType/],
    ['a permission that there is not', { permissionTypes: ['FLY'] }, 400, /there is no permission FLY/],
    [
      'a permission of another resource',
      { permissionTypes: ['ACCESS'] },
      400,
      /no permission ACCESS on PROC/,
    ],
    ['no permission', { permissionTypes: [] }, 400, /at least one/],
    ['a key', { authorizationKey: '1' }, 400, /is given by the server/],
    ['a resource by property', { resourcePropertyName: 'assignee' }, 400, /resourcePropertyName/],
    ['a role that there is not', { ownerType: 'ROLE', ownerId: 'nobody' }, 404, /there is no role nobody/],
    ['a group that there is not', { ownerType: 'GROUP', ownerId: '__proto__' }, 404, /there is no group/],
    [
      'a rule that there is not',
      { ownerType: 'MAPPING_RULE', ownerId: 'x' },
      404,
      /there is no mapping rule/,
    ],
  ]
  for (const [what, more, status, detail] of wrong)
    test(`are refused with ${what}`, async () => {
      const answer = await admin('POST', '/v2/authorizations', { ...sample, ...more })
      assert.equal(answer.status, status)
      assert.match(String(answer.body.detail), detail)
    })

  test('have keys that are numbers', async () => {
    assert.equal((await admin('GET', '/v2/authorizations/abc')).status, 400)
    assert.equal((await admin('GET', '/v2/authorizations/999999999')).status, 404)
    assert.equal((await admin('PUT', '/v2/authorizations/999999999', sample)).status, 404)
  })

  test('go with their owner', async () => {
    await admin('POST', '/v2/groups', { groupId: 'owner', name: 'O' })
    await admin('POST', '/v2/authorizations', { ...sample, ownerType: 'GROUP', ownerId: 'owner' })
    await admin('DELETE', '/v2/groups/owner')
    const { body } = await admin('POST', '/v2/authorizations/search', { filter: { ownerId: 'owner' } })
    assert.deepEqual(body.items, [])
  })
})
