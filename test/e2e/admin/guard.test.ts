import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { adminApi } from '../../../src/adapters/http/admin/index.ts'
import type { AdminRoute } from '../../../src/adapters/http/admin/route.ts'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { callMtls } from '../../support/senders.ts'
import { basic, orThrow } from '../../support/server.ts'
import { adminWith, allRoles, startAdminWorld } from './world.ts'

const { server, services, admin, close } = await startAdminWorld()
after(close)

const acme = orThrow(await createTenant({ name: 'acme' }, services))
const acmeRoles = allRoles.filter(role => role !== 'TenantsEdit')
const acmeToken = await server.token(
  await server.sender({ plan: 'api', tenant: acme, parameters: { roles: acmeRoles } }),
)

/** An address of the route, with names that nobody has. */
const pathOf = (route: AdminRoute) => route.path.replace(/:\w+/g, 'nothing')
const titleOf = (route: AdminRoute) => `${route.method} ${route.path}`
const errorOf = (answer: { json<T>(): T }) => answer.json<{ error: string }>().error

test('without a token everything below /admin answers the same 401, whatever is there', async () => {
  const attempts: [string, string, string?][] = [
    ...adminApi.map(route => [route.method, `/admin/v1${pathOf(route)}`] as [string, string]),
    ['GET', '/admin'],
    ['GET', '/admin/'],
    ['GET', '/admin/openapi.json'],
    ['GET', '/admin/v1'],
    ['GET', '/admin/v1/nothing'],
    ['GET', '/admin/v1/roles/'],
    ['GET', '/admin/v2/roles'],
    ['GET', '/admin/V1/roles'],
    ['GET', `/admin/v1/instances/${'x'.repeat(5000)}`],
    ['GET', '/admin/v1/messages?limit=wrong'],
    ['HEAD', '/admin/v1/roles'],
    ['OPTIONS', '/admin/v1/roles'],
    ['TRACE', '/admin/v1/roles'],
    ['PUT', '/admin/v1/roles'],
    ['DELETE', '/admin/v1/roles'],
    ['PROPFIND', '/admin/v1/roles'],
    ['POST', '/admin/v1/roles', '{"broken'],
    ['POST', '/admin/v1/roles', '<xml/>'],
    ['POST', '/admin/v1/roles', 'x'.repeat(2 * 1024 * 1024)],
    ['GET', '/tenants/acme/admin/v1/roles'],
    ['GET', '/tenants/default/admin/v1/nothing'],
  ]
  for (const [method, path, body] of attempts) {
    for (const type of body === undefined ? [undefined] : ['application/json', 'text/xml']) {
      const answer = await server.call(path, {
        method,
        ...(body !== undefined && { body, headers: { 'Content-Type': type! } }),
      })
      const what = `${method} ${path.slice(0, 80)}`
      assert.equal(answer.status, 401, what)
      assert.match(answer.headers['www-authenticate'] as string, /^Bearer realm="(default|acme)"$/, what)
      if (method !== 'HEAD') assert.equal(errorOf(answer), 'unauthorized', what)
    }
  }
})

test('where a certificate is asked for there is no admin API, however its address is written', async () => {
  const headers = { Authorization: `Bearer ${await server.adminToken('CredentialsRead')}` }
  const paths = ['/admin', '/%61dmin', '/adm%69n', '/tenants/default/admin', '/tenants/default/%61dmin']
  for (const path of paths) {
    const there = await callMtls(server, `${path}/v1/instances`, undefined, { headers })
    assert.equal(there.status, 404, path)
    assert.equal((await callMtls(server, `${path}/v1/instances`, undefined)).status, 404, path)
    assert.equal((await server.call(`${path}/v1/instances`, { headers })).status, 200, path)
  }
})

test('another credential than an admin token is refused, and never one is offered that would not do', async () => {
  const api = await server.sender({ plan: 'api', parameters: { roles: ['CredentialsRead'] } })
  for (const header of [basic(api), 'Digest x', 'Bearer x', 'Bearer', api.clientsecret]) {
    const answer = await server.call('/admin/v1/instances', { headers: { Authorization: header } })
    assert.equal(answer.status, 401, header)
    assert.match(answer.headers['www-authenticate'] as string, /^Bearer /)
  }
})

test('a token of plan integration-flow is not an admin token', async () => {
  const token = await server.token(await server.sender())
  for (const route of adminApi) {
    const answer = await adminWith(server, token).call(route.method, pathOf(route), {})
    assert.equal(answer.status, 401, titleOf(route))
    assert.equal(errorOf(answer), 'invalid_token')
  }
  const elsewhere = await adminWith(server, token).call('GET', '/nothing')
  assert.equal(elsewhere.status, 401, 'before it is said what exists')
})

test('a token without any role is let in nowhere', async () => {
  const token = await server.token(await server.sender({ plan: 'api', parameters: { roles: [] } }))
  for (const path of ['/roles', '/nothing'])
    assert.equal((await adminWith(server, token).call('GET', path)).status, 403)
  const introspecting = await server.adminToken('token.introspect')
  for (const route of adminApi)
    assert.equal(
      (await adminWith(server, introspecting).call(route.method, pathOf(route), {})).status,
      403,
      titleOf(route),
    )
})

for (const route of adminApi)
  test(`${titleOf(route)} asks for ${route.roles.join(' or ')}`, async () => {
    assert.ok(route.roles.length > 0)
    const others = allRoles.filter(role => !(route.roles as readonly string[]).includes(role))
    const refused = await adminWith(server, await server.adminToken(...others)).call(
      route.method,
      pathOf(route),
      {},
    )
    assert.equal(refused.status, 403)
    assert.equal(errorOf(refused), 'insufficient_scope')
    for (const role of route.roles) {
      const answer = await adminWith(server, await server.adminToken(role)).call(
        route.method,
        pathOf(route),
        'null',
      )
      assert.ok(![401, 403].includes(answer.status), `${role}: ${answer.status}`)
    }
  })

test('an admin token of a tenant opens nothing at another tenant, nor at default', async () => {
  const other = orThrow(await createTenant({ name: 'other' }, services))
  const otherRoles = { plan: 'api', tenant: other, parameters: { roles: acmeRoles } } as const
  const otherToken = await server.token(await server.sender(otherRoles))
  for (const route of adminApi)
    for (const [token, prefix] of [
      [acmeToken, '/tenants/other'],
      [acmeToken, ''],
      [otherToken, '/tenants/acme'],
    ] as const) {
      const answer = await adminWith(server, token, prefix).call(route.method, pathOf(route), {})
      assert.equal(answer.status, 401, `${titleOf(route)} at ${prefix}`)
      assert.equal(errorOf(answer), 'invalid_token')
    }
  assert.equal((await adminWith(server, acmeToken, '/tenants/acme').call('GET', '/instances')).status, 200)
})

test('ids of another tenant lead nowhere, not even for its own token', async () => {
  const theirs = await server.sender({ tenant: acme })
  const found = await services.store.read.instances.find(acme.id, theirs.instance)
  for (const name of [theirs.instance, found!.id])
    for (const [method, path] of [
      ['GET', `/instances/${name}`],
      ['PATCH', `/instances/${name}`],
      ['DELETE', `/instances/${name}`],
      ['GET', `/instances/${name}/keys`],
      ['POST', `/instances/${name}/keys`],
      ['GET', `/instances/${name}/keys/key`],
      ['DELETE', `/instances/${name}/keys/key`],
      ['POST', `/instances/${name}/keys/key/token-revocation`],
      ['POST', `/instances/${name}/keys/key/rotation`],
    ] as const) {
      const body =
        method === 'PATCH'
          ? { parameters: { roles: [] } }
          : method === 'POST' && path.endsWith('/keys')
            ? { name: 'mine' }
            : undefined
      assert.equal((await admin.call(method, path, body)).status, 404, `${method} ${path}`)
    }
  const kept = await services.store.read.keys.list(found!.id)
  assert.deepEqual(
    kept.map(key => key.name),
    ['key'],
  )
  assert.deepEqual((await services.store.read.instances.find(acme.id, theirs.instance))?.roles, [
    'ESBMessaging.send',
  ])
})

test('the operator, with TenantsEdit in default, acts on every tenant within the other roles', async () => {
  const operator = adminWith(server, await server.adminToken('TenantsEdit', 'UserRolesEdit'), '/tenants/acme')
  assert.equal((await operator.call('POST', '/roles', { name: 'Made.by.operator' })).status, 201)
  const theirs = await adminWith(server, acmeToken, '/tenants/acme').call('GET', '/roles')
  assert.match(theirs.text, /Made\.by\.operator/)
  assert.doesNotMatch((await admin.call('GET', '/roles')).text, /Made\.by\.operator/)
  assert.equal(
    (await operator.call('GET', '/instances')).status,
    403,
    'the role of the operation is still needed',
  )
  const nobody = adminWith(server, await server.adminToken('UserRolesEdit'), '/tenants/acme')
  assert.equal((await nobody.call('GET', '/roles')).status, 403)
})

test('TenantsEdit cannot be given in another tenant', async () => {
  const theirs = adminWith(server, acmeToken, '/tenants/acme')
  const made = await theirs.call('POST', '/instances', {
    name: 'operator',
    plan: 'api',
    parameters: { roles: ['TenantsEdit'] },
  })
  assert.equal(made.status, 400)
  assert.match(made.text, /TenantsEdit exists in tenant default only/)
  await theirs.call('POST', '/instances', {
    name: 'plain',
    plan: 'api',
    parameters: { roles: ['CredentialsRead'] },
  })
  const raised = await theirs.call('PATCH', '/instances/plain', { parameters: { roles: ['TenantsEdit'] } })
  assert.equal(raised.status, 400)
  // Not by the operator either.
  const operator = adminWith(server, await server.adminToken(...allRoles), '/tenants/acme')
  assert.equal(
    (await operator.call('PATCH', '/instances/plain', { parameters: { roles: ['TenantsEdit'] } })).status,
    400,
  )
  for (const path of ['/tenants', '/master-key/rotation'])
    assert.equal(
      (await theirs.call(path === '/tenants' ? 'GET' : 'POST', path, path === '/tenants' ? undefined : {}))
        .status,
      403,
    )
})

test('a caller of the admin API loses the role on the next request after it was taken away', async () => {
  const api = await server.sender({ plan: 'api', parameters: { roles: ['CredentialsRead'] } })
  const reader = adminWith(server, await server.token(api))
  assert.equal((await reader.call('GET', '/instances')).status, 200)
  await admin.call('PATCH', `/instances/${api.instance}`, { parameters: { roles: ['MonitoringDataRead'] } })
  assert.equal((await reader.call('GET', '/instances')).status, 403)
  await admin.call('DELETE', `/instances/${api.instance}/keys/key`)
  assert.equal((await reader.call('GET', '/instances')).status, 401)
})

test('with a token, what does not exist and what is malformed is told apart', async () => {
  for (const [method, path, body, status] of [
    ['GET', '/nothing', undefined, 404],
    ['PUT', '/roles', undefined, 404],
    ['POST', '/roles', '{"broken', 400],
    ['POST', '/roles', '[]', 400],
    ['POST', '/roles', 'null', 400],
    ['POST', '/roles', '{}', 400],
    ['POST', '/roles', '{"name":1}', 400],
    ['POST', '/roles', '{"name":"A","nmae":"B"}', 400],
    ['POST', '/roles', '{"name":"A","__proto__":{"x":1}}', 400],
    ['POST', '/roles', JSON.stringify({ name: 'A', description: 'x'.repeat(501) }), 400],
    ['POST', '/roles', 'x'.repeat(1024 * 1024 + 1), 413],
    ['GET', '/messages?limit=0', undefined, 400],
    ['GET', '/messages?limit=1001', undefined, 400],
    ['GET', '/messages?limit=1&limit=2', undefined, 400],
  ] as const) {
    const answer = await admin.call(method, path, body)
    assert.equal(answer.status, status, `${method} ${path} ${body?.slice(0, 40)}: ${answer.text}`)
    assert.equal(answer.json().correlation_id, answer.headers['x-correlation-id'])
  }
  const typed = await server.call('/admin/v1/roles', {
    method: 'POST',
    headers: { ...admin.headers, 'Content-Type': 'text/plain' },
    body: '{}',
  })
  assert.equal(typed.status, 415)
})
