import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { createInstance, createKey, updateInstance } from '../../../src/core/broker/index.ts'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { type Answer, basic, callUrl, orThrow, startTestServer } from '../../support/server.ts'
import { decisionOf } from '../worker/world.ts'
import {
  asQuery,
  credentialsOf,
  described,
  guid,
  judging,
  ofApiPlan,
  ofFlowPlan,
  place,
  platformByCertificate,
  platformBySecret,
  platformRoles,
  service_id,
} from './world.ts'

const server = await startTestServer()
after(() => server.close())
const { services } = server.server
const key = await server.sender({ plan: 'api', parameters: { roles: platformRoles } })
const platform = platformBySecret(server, key)
const call = judging(server.call)
const callMtls = judging((path, options) => callUrl(`${server.mtlsUrl}${path}`, server.ca, options))
const version = { 'X-Broker-API-Version': '2.17' }
const authorized = { Authorization: basic(key) }
const at = (id: string) => `/v2/service_instances/${id}`
const word = (answer: Answer) => answer.json().error

describe('a platform proves who it is before anything else', () => {
  const wrong: readonly [string, Record<string, string>][] = [
    ['nothing', {}],
    ['a wrong secret', { Authorization: basic({ ...key, clientsecret: 'wrong' }) }],
    ['an unknown client', { Authorization: basic({ clientid: 'sb-x', clientsecret: key.clientsecret }) }],
    ['a broken header', { Authorization: 'Basic %%%' }],
    ['another scheme', { Authorization: 'Digest username=x' }],
  ]
  for (const [title, headers] of wrong)
    test(`${title}: 401 everywhere, whatever else is wrong, with a challenge`, async () => {
      for (const [method, path, more] of [
        ['GET', '/v2/catalog', version],
        ['GET', '/v2/catalog', {}],
        ['PUT', at(guid()), { 'Content-Type': 'text/plain' }],
        ['GET', '/v2/nothing', {}],
        ['POST', '/', {}],
      ] as const) {
        const answer = await call(`/osb${path}`, {
          method,
          headers: { ...headers, ...more },
          ...(method !== 'GET' && { body: '{' }),
        })
        assert.equal(answer.status, 401, `${method} ${path}`)
        assert.match(String(answer.headers['www-authenticate']), /^Basic realm="default"/)
        const { error, description, correlation_id } = answer.json()
        assert.ok(error && description)
        assert.equal(correlation_id, answer.headers['x-correlation-id'])
      }
    })

  test('an access token is not taken', async () => {
    const token = await server.token(key)
    const headers = { Authorization: `Bearer ${token}`, ...version }
    assert.equal((await call('/osb/v2/catalog', { headers })).status, 401)
  })

  test('a key of the other plan, or without the role: 403', async () => {
    for (const other of [
      await server.sender(),
      await server.sender({ plan: 'api', parameters: { roles: ['CredentialsRead', 'TenantsEdit'] } }),
    ]) {
      const answer = await platformBySecret(server, other).call('GET', '/v2/catalog')
      assert.equal(answer.status, 403)
      assert.equal(word(answer), 'InsufficientScope')
    }
  })

  test('a role that was taken away counts no more on the next request', async () => {
    const other = await server.sender({ plan: 'api', parameters: { roles: platformRoles } })
    const losing = platformBySecret(server, other)
    assert.equal((await losing.call('GET', '/v2/catalog')).status, 200)
    orThrow(await updateInstance(server.tenant, other.instance, { roles: ['CredentialsRead'] }, services))
    assert.equal((await losing.call('GET', '/v2/catalog')).status, 403)
  })

  test('why it was refused stands in a record for the operator', async () => {
    const answer = await call('/osb/v2/catalog', {
      headers: { Authorization: basic({ ...key, clientsecret: 'wrong' }), ...version },
    })
    const decision = await decisionOf({ server }, answer)
    assert.equal(decision.surface, 'osb')
    assert.match(JSON.stringify(decision), /client credential/)
  })
})

describe('by certificate', () => {
  test('at the address that asks for one, all works as by Basic', async () => {
    const other = await server.sender({ plan: 'api', parameters: { roles: platformRoles } })
    const certified = await platformByCertificate(server, other.instance)
    const id = guid()
    assert.equal((await certified.call('GET', '/v2/catalog')).status, 200)
    assert.equal((await certified.provision(id)).status, 201)
    const made = await certified.bind(id, guid())
    assert.ok(await server.token(credentialsOf(made)))
    assert.equal((await certified.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)).status, 200)
  })

  test('there, Basic is not taken, nor no certificate, nor both: 401', async () => {
    const other = await server.sender({ plan: 'api', parameters: { roles: platformRoles } })
    const parameters = { 'key-type': 'certificate', 'key-length': 256 }
    const { document } = orThrow(
      await createKey(server.tenant, other.instance, 'certified', parameters, services),
    )
    const certificate = { cert: String(document.certificate), key: String(document.key) }
    for (const options of [
      { headers: { ...authorized, ...version } },
      { headers: version },
      { headers: { ...authorized, ...version }, certificate },
    ]) {
      const answer = await callMtls('/osb/v2/catalog', options)
      assert.equal(answer.status, 401, answer.text)
    }
    const alone = await callMtls('/osb/v2/catalog', {
      headers: version,
      certificate,
    })
    assert.equal(alone.status, 200)
  })

  test('the certificate of a sender of flows: 403', async () => {
    const { instance } = await server.sender()
    const sender = await platformByCertificate(server, instance)
    assert.equal((await sender.call('GET', '/v2/catalog')).status, 403)
  })

  test('at the plain port there is no service broker', async () => {
    const answer = await callUrl(`${server.pkiUrl}/osb/v2/catalog`, server.ca, {
      headers: { ...authorized, ...version },
    })
    assert.equal(answer.status, 404)
  })
})

describe('the version of the API', () => {
  for (const good of ['2.17', '2.13', '2.0', '2.99'])
    test(`${good} is served`, async () => {
      const answer = await platform.call('GET', '/v2/catalog', undefined, { 'X-Broker-API-Version': good })
      assert.equal(answer.status, 200)
    })
  for (const bad of ['1.17', '3.0', '2', '2.17.1', 'two', '2.x', '-2.17', '2.17, 3.0', '', '02.'])
    test(`${JSON.stringify(bad)} is refused: 412, and nothing is done`, async () => {
      const id = guid()
      const body = { ...ofFlowPlan, ...place }
      const answer = await platform.call('PUT', at(id), body, { 'X-Broker-API-Version': bad })
      assert.equal(answer.status, 412)
      assert.match(described(answer), /2\.17/)
      assert.equal((await platform.call('GET', at(id))).status, 404)
    })
  test('missing: 412', async () => {
    const answer = await call('/osb/v2/catalog', { headers: authorized })
    assert.equal(answer.status, 412)
    assert.match(described(answer), /X-Broker-API-Version is missing/)
  })
})

describe('nobody hands out roles that it does not hold', () => {
  const beyond = { parameters: { roles: ['CredentialsEdit', 'TenantsEdit'] } }

  test('with a new instance, or a changed one: 403, and nothing is made', async () => {
    const [id, mine] = [guid(), guid()]
    assert.equal((await platform.provision(id, { ...ofApiPlan, ...beyond })).status, 403)
    assert.equal((await platform.call('GET', at(id))).status, 404)
    await platform.provision(mine, { ...ofApiPlan, parameters: { roles: ['CredentialsRead'] } })
    const before = (await platform.call('GET', at(mine))).text
    assert.equal((await platform.call('PATCH', at(mine), { service_id, ...beyond })).status, 403)
    assert.equal((await platform.call('GET', at(mine))).text, before)
  })

  test('with a binding of an instance that has more, not even by asking again for what others were told', async () => {
    const roles = [...platformRoles, 'TenantsEdit']
    const mighty = platformBySecret(server, await server.sender({ plan: 'api', parameters: { roles } }))
    const [id, binding] = [guid(), guid()]
    await mighty.provision(id, { ...ofApiPlan, parameters: { roles: ['TenantsEdit'] } })
    const made = await mighty.bind(id, binding, ofApiPlan)
    assert.equal(made.status, 201)
    for (const [of, more] of [
      [binding, ofApiPlan],
      [guid(), ofApiPlan],
      [guid(), { ...ofApiPlan, predecessor_binding_id: binding }],
    ] as const) {
      const answer = await platform.bind(id, of, more)
      assert.equal(answer.status, 403)
      assert.ok(!answer.text.includes(credentialsOf(made).clientsecret))
    }
    assert.equal((await mighty.bind(id, binding, ofApiPlan)).status, 200)
  })
})

describe('every tenant has a service broker of its own', async () => {
  const acme = orThrow(await createTenant({ name: 'acme' }, services))
  orThrow(
    await createInstance(
      acme,
      { name: 'cf', plan: 'api', parameters: { roles: ['CredentialsEdit'] } },
      services,
    ),
  )
  const { document } = orThrow(await createKey(acme, 'cf', 'key', {}, services))
  const itsKey = document as unknown as { clientid: string; clientsecret: string }
  const its = platformBySecret(server, itsKey, '/tenants/acme')

  test('with ids of its own: the same id is another instance', async () => {
    const [id, binding] = [guid(), guid()]
    await platform.provision(id, { parameters: { 'token-validity': 7200 } })
    assert.equal((await its.call('GET', at(id))).status, 404)
    assert.equal((await its.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)).status, 410)
    assert.equal((await its.bind(id, binding)).status, 404)
    assert.equal((await its.provision(id)).status, 201)
    const made = credentialsOf(await its.bind(id, binding))
    assert.equal(made.tokenurl, `${server.url}/tenants/acme/oauth/token`)
    assert.ok(await server.token(made))
    await its.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)
    assert.equal((await platform.call('GET', at(id))).status, 200)
  })

  test('and a key of one tenant opens no other, not even that of the operator: 401', async () => {
    const roles = [...platformRoles, 'TenantsEdit']
    const operator = await server.sender({ plan: 'api', parameters: { roles } })
    for (const [other, prefix] of [
      [operator, '/tenants/acme'],
      [itsKey, ''],
    ] as const)
      assert.equal((await platformBySecret(server, other, prefix).call('GET', '/v2/catalog')).status, 401)
    const certified = await platformByCertificate(server, operator.instance, server.tenant, '/tenants/acme')
    assert.equal((await certified.call('GET', '/v2/catalog')).status, 401)
    const home = await platformByCertificate(server, 'cf', acme, '/tenants/acme')
    assert.equal((await home.call('GET', '/v2/catalog')).status, 200)
  })
})

describe('for whom a platform acts', () => {
  const identity = (value: unknown, platformName = 'cloudfoundry') =>
    `${platformName} ${Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')}`
  const header = (value: string) => ({ 'X-Broker-API-Originating-Identity': value })
  const lines = () => server.log.filter(line => line.message === 'service broker operation done')
  const newest = () => lines().at(-1)!.fields

  test('every change leaves one line with it, decoded, and never a credential', async () => {
    const [id, binding] = [guid(), guid()]
    const before = lines().length
    const more = {
      ...header(identity({ user_id: '683ea748', extra: { groups: ['dev'] } })),
      'X-Broker-API-Request-Identity': 'request-1',
    }
    const named = { ...place.context, instance_name: 'of-a-person' }
    const made = await platform.call('PUT', at(id), { ...ofFlowPlan, ...place, context: named }, more)
    assert.equal(made.headers['x-broker-api-request-identity'], 'request-1')
    const { correlationId, set, ...line } = newest()
    assert.equal(correlationId, made.headers['x-correlation-id'])
    assert.deepEqual(line, {
      tenant: 'default',
      actor: key.clientid,
      originatingIdentity: {
        platform: 'cloudfoundry',
        value: { user_id: '683ea748', extra: '{"groups":["dev"]}' },
      },
      requestIdentity: 'request-1',
      operation: 'PUT /service_instances/:instance_id',
      instance_id: id,
      status: 201,
    })
    assert.deepEqual(
      [(set as { name: string }).name, (set as { roles: string[] }).roles],
      ['of-a-person', ['ESBMessaging.send']],
    )

    const bound = await platform.bind(id, binding, { parameters: { 'key-type': 'certificate' } })
    const { clientid, certificate, key: privateKey } = credentialsOf(bound)
    assert.equal((newest().set as { clientid: string }).clientid, clientid)
    assert.deepEqual([newest().instance_id, newest().binding_id], [id, binding])
    const secret = credentialsOf(await platform.bind(id, guid())).clientsecret
    await platform.call('PATCH', at(id), { service_id, parameters: { roles: [] } })
    await platform.call('DELETE', `${at(id)}/service_bindings/${binding}${asQuery(ofFlowPlan)}`)
    await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)
    assert.equal(lines().length, before + 6)
    const text = JSON.stringify(server.log)
    for (const never of [secret, privateKey.split('\n')[1]!, certificate.split('\n')[1]!])
      assert.ok(!text.includes(never))
  })

  test('what is read, and what is refused, leaves none', async () => {
    const before = lines().length
    await platform.call('GET', '/v2/catalog')
    await platform.call('GET', at(guid()))
    await platform.provision(guid(), { plan_id: 'x' })
    assert.equal(lines().length, before)
  })

  test('of a Kubernetes user, and of whoever has much to say: bounded', async () => {
    const value = {
      username: 'duke',
      uid: 'c2dde242',
      groups: ['admin', 'dev'],
      extra: { long: 'x'.repeat(2000) },
      token: await server.token(key),
    }
    const answer = await platform.call(
      'PUT',
      at(guid()),
      { ...ofFlowPlan, ...place },
      header(identity(value, 'kubernetes')),
    )
    assert.equal(answer.status, 201)
    const { platform: name, value: shown } = newest().originatingIdentity as {
      platform: string
      value: Record<string, string>
    }
    assert.deepEqual([name, shown.username, shown.groups], ['kubernetes', 'duke', '["admin","dev"]'])
    assert.equal(shown.extra!.length, 500)
    assert.equal(shown.token, '(a credential)')
  })

  for (const [title, bad] of [
    ['a platform alone', 'cloudfoundry'],
    ['no base64', 'cloudfoundry {"user_id":"x"}'],
    ['no JSON', identity('user')],
    ['a list', identity([1])],
    ['null', identity('null')],
    ['bytes that are no text', `cloudfoundry ${Buffer.from([0x22, 0xff, 0x22]).toString('base64')}`],
    ['three words', `${identity({ user_id: 'x' })} more`],
    ['more than enough', identity({ user_id: 'x'.repeat(8000) })],
  ] as const)
    test(`${title} is refused: 400, and nothing is done`, async () => {
      const id = guid()
      const answer = await platform.call('PUT', at(id), { ...ofFlowPlan, ...place }, header(bad))
      assert.equal(answer.status, 400, answer.text)
      assert.match(described(answer), /X-Broker-API-Originating-Identity/)
      assert.equal((await platform.call('GET', at(id))).status, 404)
    })
})

test('a method that an address does not have is told so, with those that it has: 405', async () => {
  const instance = at(guid())
  const binding = `${instance}/service_bindings/${guid()}`
  for (const [path, allowed] of [
    ['/v2/catalog', 'GET'],
    [instance, 'PUT, PATCH, GET, DELETE'],
    [`${instance}/last_operation`, 'GET'],
    [binding, 'PUT, GET, DELETE'],
    [`${binding}/last_operation`, 'GET'],
  ] as const)
    for (const method of ['POST', 'OPTIONS', ...(allowed === 'GET' ? ['PUT', 'PATCH', 'DELETE'] : [])]) {
      const headers = { ...authorized, ...version, 'Content-Type': 'application/json' }
      const answer = await call(`/osb${path}`, { method, headers, body: '{' })
      assert.equal(answer.status, 405, `${method} ${path}: ${answer.text}`)
      assert.equal(answer.headers.allow, allowed)
      assert.equal(word(answer), 'MethodNotAllowed')
      const stranger = await call(`/osb${path}`, { method, headers: version })
      assert.deepEqual([stranger.status, stranger.headers.allow], [401, undefined])
    }
  const head = await server.call('/osb/v2/catalog', {
    method: 'HEAD',
    headers: { ...authorized, ...version },
  })
  assert.deepEqual([head.status, head.text], [200, ''])
})

test('an address that is not there is told so in the form of the API: 404', async () => {
  for (const [method, path] of [
    ['GET', '/v2'],
    ['GET', '/v2/catalog/'],
    ['GET', '/v2/service_instances'],
    ['POST', '/v2/service_instances'],
    ['GET', '/v3/catalog'],
  ] as const) {
    const answer = await call(`/osb${path}`, { method, headers: { ...authorized, ...version } })
    assert.equal(answer.status, 404, `${method} ${path}`)
    assert.ok(described(answer))
  }
  const hidden = await call('/osb/v2/service_instances/a%2fb', { headers: authorized })
  assert.equal(hidden.status, 400)
  assert.ok(described(hidden))
})
