import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { identityApi } from '../../../src/adapters/http/identity/index.ts'
import { openRoutes } from '../../../src/adapters/http/identity/open.ts'
import { basicOf, password, startTestIdentity, type TestIdentity } from '../../support/identity.ts'

let identity: TestIdentity
before(async () => {
  identity = await startTestIdentity()
})
after(() => identity.close())

const addressOf = (path: string) => path.replace(':id', '1').replace(':member', 'm')

describe('who is not known', () => {
  test('gets 401 with a challenge from every operation, before its body is read', async () => {
    for (const { method, path } of identityApi) {
      const { status, headers, body } = await identity.stranger(method, addressOf(path), '{broken')
      assert.equal(status, 401, `${method} ${path}`)
      assert.equal(headers['www-authenticate'], 'Basic realm="default", charset="UTF-8"')
      assert.equal(headers['content-type'], 'application/problem+json')
      assert.equal(headers['cache-control'], 'no-store')
      const { correlation_id, ...rest } = body
      assert.equal(correlation_id, headers['x-correlation-id'])
      assert.deepEqual(rest, {
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        detail: 'credentials are needed',
        instance: addressOf(path),
      })
    }
  })

  test('does not learn which addresses there are', async () => {
    for (const path of ['/v2/nothing', '/v2/roles/a/b/c', '/', '/v2'])
      assert.equal((await identity.stranger('GET', path)).status, 401, path)
    assert.equal((await identity.stranger('PATCH', '/v2/roles')).status, 401)
  })

  test('is told nothing about wrong credentials', async () => {
    const details = new Set<unknown>()
    for (const authorization of [
      basicOf('admin', 'wrong password'),
      basicOf('nobody'),
      'Basic !!!',
      'Bearer x.y.z',
      'Digest a=b',
    ]) {
      const { status, body } = await identity.stranger('GET', '/v2/authentication/me', undefined, {
        Authorization: authorization,
      })
      assert.equal(status, 401, authorization)
      details.add(body.detail)
    }
    assert.deepEqual([...details], ['the credentials are not valid'])
  })

  test('is told to wait when he guesses, and others are not', async () => {
    await identity.user('guessed')
    const guess = () =>
      identity.stranger('GET', '/v2/authentication/me', undefined, {
        Authorization: basicOf('guessed', 'not the password'),
      })
    const answers = []
    do answers.push(await guess())
    while (answers.at(-1)?.status === 401 && answers.length < 50)
    const last = answers.at(-1)!
    assert.equal(last.status, 429)
    assert.match(String(last.headers['retry-after']), /^[1-9]\d?$/)
    assert.equal(last.headers['content-type'], 'application/problem+json')
    assert.equal(last.body.title, 'Too Many Requests')
    assert.equal((await identity.admin('GET', '/v2/authentication/me')).status, 200)
  })

  test('may ask whether the service is up', async () => {
    const { status, text, headers } = await identity.stranger('GET', '/v2/status')
    assert.equal(status, 204)
    assert.equal(text, '')
    assert.ok(headers['x-correlation-id'])
  })
})

describe('a refusal', () => {
  test('is explained to the operator in a decision record and a line of the log', async () => {
    const { headers } = await identity.stranger('GET', '/v2/roles/x')
    const id = headers['x-correlation-id']
    const line = identity.world.log.find(({ fields }) => fields.correlationId === id)
    assert.equal(line?.message, 'request refused')
    assert.equal(line.fields.surface, 'identity')
    assert.equal(line.fields.check, 'credentials')
    assert.equal(line.fields.reason, 'the request carries no credentials')
  })

  test('of a path that programs read differently has the form of the others', async () => {
    const { status, headers, body } = await identity.admin('GET', '/v2/roles/../users')
    assert.equal(status, 400)
    assert.equal(headers['content-type'], 'application/problem+json')
    assert.equal(body.title, 'Bad Request')
  })
})

test('while the database is not heard, clients are told that they may come again', async () => {
  const { upToDate } = identity.world.server.services.changes
  identity.world.server.services.changes.upToDate = () => false
  try {
    for (const path of ['/v2/authentication/me', '/v2/status']) {
      const { status, headers, body } = await identity.admin('GET', path)
      assert.equal(status, 503)
      assert.equal(headers['content-type'], 'application/problem+json')
      assert.equal(headers['retry-after'], '1')
      assert.equal(body.title, 'RESOURCE_EXHAUSTED')
      assert.equal(body.instance, path)
    }
  } finally {
    identity.world.server.services.changes.upToDate = upToDate
  }
})

describe('who has no permission', () => {
  test('gets 403 from every operation but searches, be the thing there or not', async () => {
    const ask = await identity.user('powerless')
    for (const { method, path } of identityApi) {
      const isOwn = path.endsWith('/me') || path === '/v2/topology' || path === '/v2/applications'
      if (isOwn || /^\/v2\/[a-z-]+\/search$/.test(path)) continue
      const { status, body } = await ask(method, addressOf(path), method === 'GET' ? undefined : {})
      assert.equal(status, 403, `${method} ${path}`)
      assert.match(String(body.detail), /^no permission [A-Z]+ on [A-Z_]+\. Whoever may do so gives it/)
    }
  })

  test('finds nothing', async () => {
    const ask = await identity.user('blind')
    for (const { method, path } of identityApi) {
      if (!/^\/v2\/[a-z-]+\/search$/.test(path) && path !== '/v2/applications') continue
      const { status, body } = await ask<{ items: unknown[]; page: { totalItems: number } }>(method, path)
      assert.equal(status, 200, path)
      assert.deepEqual([body.items, body.page.totalItems], [[], 0])
    }
  })

  test('finds what one permission shows him, and nothing beside it', async () => {
    for (const roleId of ['shown', 'hidden'])
      await identity.admin('POST', '/v2/roles', { roleId, name: roleId })
    const ask = await identity.user('one-eyed', { ROLE: ['READ'] }, 'shown')
    const found = await ask<{ items: { roleId: string }[] }>('POST', '/v2/roles/search')
    assert.deepEqual(found.body.items, [{ roleId: 'shown', name: 'shown', description: '' }])
    assert.equal((await ask('GET', '/v2/roles/shown')).status, 200)
    assert.equal((await ask('GET', '/v2/roles/hidden')).status, 403)
    assert.equal((await ask('POST', '/v2/roles/shown/users/search')).status, 200)
    assert.equal((await ask('POST', '/v2/roles/hidden/users/search')).status, 403)
    assert.equal((await ask('PUT', '/v2/roles/shown', { name: 'x' })).status, 403)
    assert.equal((await ask('PUT', '/v2/roles/shown/users/one-eyed')).status, 403)
  })

  test('loses what he could do with the next request', async () => {
    const ask = await identity.user('passing', { GROUP: ['CREATE'] })
    assert.equal((await ask('POST', '/v2/groups', { groupId: 'of-passing', name: 'G' })).status, 201)
    const { body } = await identity.admin<{ items: { authorizationKey: string }[] }>(
      'POST',
      '/v2/authorizations/search',
      { filter: { ownerId: 'passing' } },
    )
    const { authorizationKey } = body.items[0]!
    assert.equal((await identity.admin('DELETE', `/v2/authorizations/${authorizationKey}`)).status, 204)
    assert.equal((await ask('POST', '/v2/groups', { groupId: 'again', name: 'G' })).status, 403)
  })
})

describe('who may create users', () => {
  test('does not become whom somebody else made something of', async () => {
    const helpdesk = await identity.user('helpdesk', { USER: ['CREATE'] })
    await identity.admin('PUT', '/v2/roles/admin/users/by-certificate')
    const authorization = {
      ...{ ownerType: 'USER', ownerId: 'by-token', resourceType: 'ROLE', resourceId: '*' },
      permissionTypes: ['UPDATE'],
    }
    await identity.admin('POST', '/v2/authorizations', authorization)
    for (const username of ['by-certificate', 'by-token'])
      assert.equal((await helpdesk('POST', '/v2/users', { username, password })).status, 403, username)
    assert.equal((await helpdesk('POST', '/v2/users', { username: 'nobody-yet', password })).status, 201)
    const both = await identity.user('both', { USER: ['CREATE', 'UPDATE'] })
    assert.equal((await both('POST', '/v2/users', { username: 'by-token', password })).status, 201)
  })
})

describe('without authorizations', () => {
  test('whoever is known may do everything, and whoever is not still nothing', async () => {
    const open = await startTestIdentity({ authorizations: false })
    try {
      const ask = await open.user('anybody')
      assert.equal((await ask('POST', '/v2/roles', { roleId: 'r', name: 'R' })).status, 201)
      const me = await ask<{ authorizedComponents: string[] }>('GET', '/v2/authentication/me')
      assert.deepEqual(me.body.authorizedComponents, ['*'])
      assert.equal((await open.stranger('GET', '/v2/roles/r')).status, 401)
    } finally {
      await open.close()
    }
  })

  test('an unprotected API knows nobody, who may do nothing while authorizations are looked at', async () => {
    const open = await startTestIdentity({ unprotectedApi: true })
    try {
      const me = await open.stranger('GET', '/v2/authentication/me')
      assert.equal(me.status, 200)
      assert.deepEqual(me.body, {
        username: null,
        displayName: null,
        email: null,
        authorizedComponents: [],
        tenants: [],
        groups: [],
        roles: [],
        salesPlanType: '',
        c8Links: {},
        canLogout: false,
      })
      assert.equal((await open.stranger('GET', '/v2/roles/admin')).status, 403)
      assert.equal(
        (await open.stranger('GET', '/v2/status', undefined, { Authorization: basicOf('admin', 'wrong') }))
          .status,
        204,
      )
      const wrong = { Authorization: basicOf('admin', 'wrong') }
      assert.equal((await open.stranger('GET', '/v2/topology', undefined, wrong)).status, 401)
    } finally {
      await open.close()
    }
  })
})

test('there are few open operations', () => {
  assert.deepEqual(
    openRoutes.map(({ method, path }) => `${method} ${path}`),
    ['GET /v2/status', 'POST /v2/setup/user'],
  )
})
