import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createKey, deleteKey, revokeCertificate, rotateKey } from '../../../src/core/broker/index.ts'
import { startReceiver } from '../../support/receiver.ts'
import { newRoot, trust } from '../../support/senders.ts'
import { type Answer, basic, callUrl, orThrow, startTestServer } from '../../support/server.ts'
import { adminWith } from '../admin/world.ts'
import { flowFile } from '../worker/world.ts'
import {
  apiPlan,
  asQuery,
  type Credentials,
  credentialsOf,
  described,
  flowPlan,
  guid,
  type Json,
  judging,
  ofApiPlan,
  ofFlowPlan,
  platformBySecret,
  platformRoles,
  service_id,
} from './world.ts'

const server = await startTestServer()
after(() => server.close())
const { services } = server.server
const platform = platformBySecret(
  server,
  await server.sender({ plan: 'api', parameters: { roles: platformRoles } }),
)
const call = judging(server.call)
const admin = adminWith(server, await server.adminToken('CredentialsEdit', 'CredentialsRead'))
const instance = guid()
const at = (id: string, of = instance) => `/v2/service_instances/${of}/service_bindings/${id}`
const short = { 'key-type': 'certificate', 'key-length': 256 }
const minute = 60_000
const day = 24 * 60 * minute

const receiver = await startReceiver()
after(() => receiver.close())
before(async () => {
  await server.deploy(flowFile('o', receiver.origin))
  await platform.provision(instance)
})

const callFlow = (key: Credentials) =>
  key.key === undefined
    ? server.call('/http/o', { method: 'POST', headers: { Authorization: basic(key) }, body: '{}' })
    : callUrl(`${key.url}/http/o`, server.ca, {
        method: 'POST',
        certificate: { cert: key.certificate, key: key.key },
        body: '{}',
      })
const metadataOf = (answer: Answer) =>
  answer.json<{ metadata?: { expires_at: string; renew_before: string } }>().metadata

describe('a service binding is a service key', () => {
  test('by secret: the documented members, in their wrapping, and they work', async () => {
    const id = guid()
    const made = await platform.bind(instance, id)
    assert.equal(made.status, 201)
    assert.equal(made.headers['cache-control'], 'no-store')
    const { credentials, ...rest } = made.json<{ credentials: Json }>()
    assert.deepEqual(Object.keys(credentials), ['oauth'])
    const key = credentialsOf(made)
    assert.deepEqual(Object.keys(key).sort(), ['clientid', 'clientsecret', 'createdate', 'tokenurl', 'url'])
    assert.match(key.clientid, /^sb-[0-9a-f-]{36}!b\d+\|it-rt-default!b\d+$/)
    assert.deepEqual([key.tokenurl, key.url], [`${server.url}/oauth/token`, server.url])
    // A secret does not end; one place serves both addresses.
    assert.deepEqual(rest, { endpoints: [{ host: 'localhost', ports: [new URL(server.url).port] }] })
    assert.equal((await callFlow(key)).status, 200)
    assert.ok(await server.token(key))
    assert.deepEqual((await platform.call('GET', `${at(id)}/last_operation`)).json(), { state: 'succeeded' })
  })

  test('by certificate: it says when it ends, and when to renew it', async () => {
    const made = await platform.bind(instance, guid(), { parameters: { ...short, validity: 90 } })
    assert.equal(made.status, 201)
    const key = credentialsOf(made)
    const { expires_at, renew_before } = metadataOf(made)!
    assert.equal(expires_at, key.certificatedetails.validuntil)
    assert.ok(Math.abs(Date.parse(expires_at) - server.now() - 90 * day) < minute)
    assert.ok(Math.abs(Date.parse(expires_at) - Date.parse(renew_before) - 30 * day) < minute)
    assert.equal((await callFlow(key)).status, 200)
    assert.deepEqual(
      made.json<{ endpoints: Json[] }>().endpoints.map(({ ports }) => ports),
      [[new URL(server.mtlsUrl).port]],
    )
  })

  test('of a certificate that ends soon, a successor is asked for in its last third', async () => {
    const made = await platform.bind(instance, guid(), { parameters: { ...short, validity: 3 } })
    const { expires_at, renew_before } = metadataOf(made)!
    assert.ok(Math.abs(Date.parse(expires_at) - Date.parse(renew_before) - day) < minute)
  })

  test('in the spelling of XSUAA', async () => {
    const x509 = { validity: 7, 'validity-type': 'DAYS' }
    const made = await platform.bind(instance, guid(), { parameters: { 'credential-type': 'x509', x509 } })
    assert.equal(made.status, 201)
    assert.equal((await callFlow(credentialsOf(made))).status, 200)
  })

  test('with a certificate that the sender brings', async () => {
    const root = newRoot('Root of senders')
    await trust(server, root)
    const sender = root.issue()
    const parameters = { 'key-type': 'certificate_external', 'X.509': sender.pem }
    const made = await platform.bind(instance, guid(), { parameters })
    assert.equal(made.status, 201, made.text)
    const answer = await callFlow({ ...credentialsOf(made), ...{ key: sender.credential.key } })
    assert.equal(answer.status, 200)
    const again = await platform.bind(instance, guid(), { parameters })
    assert.equal(again.status, 400)
    assert.match(described(again), /one certificate identifies one key/)
  })

  test('that the operator sees, and may delete: the platform then learns that it is gone', async () => {
    const id = guid()
    const key = credentialsOf(await platform.bind(instance, id))
    const shown = await admin.call('GET', `/instances/${instance}/keys/${id}`)
    assert.equal(shown.json().clientid, key.clientid)
    orThrow(await deleteKey(server.tenant, instance, id, services))
    assert.equal((await callFlow(key)).status, 401)
    assert.equal((await platform.call('GET', `${at(id)}/last_operation`)).status, 404)
    assert.equal((await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)).status, 410)
  })

  test('but one that the operator made has no id on the platform: it is left alone, and goes with the instance', async () => {
    const of = guid()
    await platform.provision(of)
    const { key, document } = orThrow(await createKey(server.tenant, of, 'by-hand', {}, services))
    const sender = document as unknown as Credentials
    for (const id of ['by-hand', key.id, key.clientId].map(encodeURIComponent)) {
      assert.equal((await platform.call('GET', `${at(id, of)}/last_operation`)).status, 404)
      assert.equal((await platform.call('DELETE', `${at(id, of)}${asQuery(ofFlowPlan)}`)).status, 410)
    }
    for (const predecessor_binding_id of ['by-hand', key.id, key.clientId])
      assert.equal((await platform.bind(of, guid(), { predecessor_binding_id })).status, 400)
    assert.equal((await callFlow(sender)).status, 200)
    await platform.call('DELETE', `/v2/service_instances/${of}${asQuery(ofFlowPlan)}`)
    assert.equal((await callFlow(sender)).status, 401)
  })

  test('that is deleted once: 200, then 410; it is refused at once, its tokens too', async () => {
    const id = guid()
    const key = credentialsOf(await platform.bind(instance, id))
    const token = await server.token(key)
    const deleted = await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)
    assert.deepEqual([deleted.status, deleted.json()], [200, {}])
    assert.equal((await callFlow(key)).status, 401)
    const headers = { Authorization: `Bearer ${token}` }
    assert.equal((await server.call('/http/o', { method: 'POST', headers, body: '{}' })).status, 401)
    assert.equal((await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)).status, 410)
  })

  test('that cannot be fetched', async () => {
    const id = guid()
    await platform.bind(instance, id)
    const answer = await platform.call('GET', at(id))
    assert.equal(answer.status, 404)
    assert.match(described(answer), /cannot be fetched/)
  })

  test('under an id that is no name here either', async () => {
    const id = `odd~${'x'.repeat(200)}`
    assert.equal((await platform.bind(instance, id)).status, 201)
    assert.equal((await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)).status, 200)
  })
})

describe('asking again', () => {
  test('for the same within ten minutes gets the same credentials: 200', async () => {
    for (const parameters of [undefined, { ...short, validity: 30 }]) {
      const id = guid()
      const more = { ...(parameters && { parameters }), bind_resource: { app_guid: 'app-1' } }
      const made = await platform.bind(instance, id, more)
      assert.equal(made.status, 201)
      server.advance(9 * minute)
      const again = await platform.bind(instance, id, {
        bind_resource: { app_guid: 'app-1' },
        ...(parameters && { parameters: { validity: 30, ...short } }),
        context: { platform: 'cloudfoundry' },
      })
      assert.equal(again.status, 200)
      assert.deepEqual(again.json(), made.json())
      assert.equal((await callFlow(credentialsOf(again))).status, 200)
    }
  })

  test('after ten minutes is told to rotate: 409', async () => {
    const id = guid()
    await platform.bind(instance, id)
    server.advance(10 * minute)
    const again = await platform.bind(instance, id)
    assert.equal(again.status, 409)
    assert.match(described(again), /ten minutes.*rotate it.*predecessor_binding_id/)
    assert.doesNotMatch(again.text, /clientsecret/)
  })

  test('for something else under the same id is a conflict: 409, and no credentials are told', async () => {
    const id = guid()
    const made = await platform.bind(instance, id, { bind_resource: { app_guid: 'app-1' } })
    for (const other of [
      {},
      { bind_resource: { app_guid: 'app-2' } },
      { bind_resource: { app_guid: 'app-1' }, parameters: short },
      { bind_resource: { app_guid: 'app-1' }, predecessor_binding_id: guid() },
    ]) {
      const answer = await platform.bind(instance, id, other)
      assert.equal(answer.status, 409, JSON.stringify(other))
      assert.match(described(answer), /with other parameters/)
      assert.ok(!answer.text.includes(credentialsOf(made).clientsecret))
    }
  })

  test('after somebody has rotated the key, what was told is not told again: 409', async () => {
    for (const parameters of [{}, short]) {
      const id = guid()
      await platform.bind(instance, id, { parameters })
      orThrow(await rotateKey(server.tenant, instance, id, { parameters: {} }, services))
      assert.equal((await platform.bind(instance, id, { parameters })).status, 409)
    }
    const id = guid()
    const { certificate } = credentialsOf(await platform.bind(instance, id, { parameters: short }))
    const { serialNumber } = new X509Certificate(certificate)
    orThrow(await revokeCertificate(server.tenant, serialNumber, 'keyCompromise', services))
    assert.equal((await platform.bind(instance, id, { parameters: short })).status, 409)
  })

  test('several times at once makes one key, and all get its credentials', async () => {
    const id = guid()
    const answers = await Promise.all(Array.from({ length: 6 }, () => platform.bind(instance, id)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 201])
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  })

  test('for an id that was deleted makes another key', async () => {
    const id = guid()
    const first = credentialsOf(await platform.bind(instance, id))
    await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)
    const again = await platform.bind(instance, id)
    assert.equal(again.status, 201)
    assert.notEqual(credentialsOf(again).clientid, first.clientid)
  })

  test('the same id in another instance is another binding', async () => {
    const [other, id] = [guid(), guid()]
    await platform.provision(other)
    const keys = [await platform.bind(instance, id), await platform.bind(other, id)]
    assert.deepEqual(
      keys.map(({ status }) => status),
      [201, 201],
    )
  })
})

describe('a service binding is rotated', () => {
  test('without saying more than its id: the successor is of the same kind, and both are good', async () => {
    const [old, next] = [guid(), guid()]
    const before = await platform.bind(instance, old, { parameters: { ...short, validity: 20 } })
    const rotated = await platform.call('PUT', at(next), { predecessor_binding_id: old })
    assert.equal(rotated.status, 201)
    const [first, second] = [credentialsOf(before), credentialsOf(rotated)]
    assert.notEqual(first.clientid, second.clientid)
    assert.equal(new X509Certificate(second.certificate).publicKey.asymmetricKeyType, 'ec')
    assert.ok(Math.abs(Date.parse(metadataOf(rotated)!.expires_at) - server.now() - 20 * day) < minute)
    for (const key of [first, second]) assert.equal((await callFlow(key)).status, 200)
    await platform.call('DELETE', `${at(old)}${asQuery(ofFlowPlan)}`)
    assert.equal((await callFlow(first)).status, 401)
    assert.equal((await callFlow(second)).status, 200)
    // The successor of a successor.
    const last = await platform.call('PUT', at(guid()), { ...ofFlowPlan, predecessor_binding_id: next })
    assert.equal(last.status, 201)
    assert.ok(credentialsOf(last).key)
  })

  test('and asking again gets the same successor', async () => {
    const [old, next] = [guid(), guid()]
    await platform.bind(instance, old)
    const body = { predecessor_binding_id: old }
    const rotated = await platform.call('PUT', at(next), body)
    const again = await platform.call('PUT', at(next), body)
    assert.deepEqual([again.status, again.text], [200, rotated.text])
  })

  test('after the ten minutes, as the refusal says', async () => {
    const old = guid()
    await platform.bind(instance, old)
    server.advance(11 * minute)
    const rotated = await platform.bind(instance, guid(), { predecessor_binding_id: old })
    assert.equal(rotated.status, 201)
    assert.equal((await callFlow(credentialsOf(rotated))).status, 200)
  })

  test('with other parameters on top of its own', async () => {
    const old = guid()
    await platform.bind(instance, old, { parameters: { ...short, validity: 20 } })
    const more = { predecessor_binding_id: old, parameters: { validity: 10 } }
    const rotated = await platform.bind(instance, guid(), more)
    assert.ok(Math.abs(Date.parse(metadataOf(rotated)!.expires_at) - server.now() - 10 * day) < minute)
  })

  test('not when it is not there, is of another instance, was deleted or has expired: 400', async () => {
    const other = guid()
    await platform.provision(other)
    const [elsewhere, deleted, expired] = [guid(), guid(), guid()]
    await platform.bind(other, elsewhere)
    await platform.bind(instance, deleted)
    await platform.call('DELETE', `${at(deleted)}${asQuery(ofFlowPlan)}`)
    await platform.bind(instance, expired, { parameters: { ...short, validity: 1 } })
    server.advance(1.1 * day)
    const next = guid()
    for (const predecessor_binding_id of [guid(), elsewhere, deleted, expired, next, '']) {
      const answer = await platform.bind(instance, next, { predecessor_binding_id })
      assert.equal(answer.status, 400, predecessor_binding_id)
      assert.match(described(answer), /predecessor_binding_id/)
    }
  })
})

describe('what is refused', () => {
  const cases: readonly [string, RegExp, Json][] = [
    ['no service', /service_id/, { plan_id: flowPlan }],
    ['no plan', /plan_id/, { service_id }],
    ['neither', /service_id/, {}],
    ['half of a rotation', /plan_id/, { service_id, predecessor_binding_id: 'x' }],
    ['the other plan', /plan_id/, { ...ofApiPlan }],
    ['a plan that is not in the catalog', /plan_id/, { service_id, plan_id: 'x' }],
    ['a type that is not there', /key type/, { ...ofFlowPlan, parameters: { 'key-type': 'password' } }],
    ['a parameter that is not there', /unknown member/, { ...ofFlowPlan, parameters: { secret: 'mine' } }],
    [
      'a validity that is too long',
      /365/,
      { ...ofFlowPlan, parameters: { 'key-type': 'certificate', validity: 366 } },
    ],
    [
      'a weak key',
      /key-length/,
      { ...ofFlowPlan, parameters: { 'key-type': 'certificate', 'key-length': 1024 } },
    ],
    [
      'both spellings at once',
      /write one/,
      { ...ofFlowPlan, parameters: { 'key-type': 'secret', 'credential-type': 'x509' } },
    ],
    ['parameters that are no object', /parameters/, { ...ofFlowPlan, parameters: 'secret' }],
  ]
  for (const [title, reason, body] of cases)
    test(`${title}: 400, and nothing is made`, async () => {
      const id = guid()
      const answer = await platform.call('PUT', at(id), body)
      assert.equal(answer.status, 400, answer.text)
      assert.match(described(answer), reason)
      assert.equal((await platform.call('GET', `${at(id)}/last_operation`)).status, 404)
    })

  test('what to do is told by the names of parameters, and whose the commands are', async () => {
    const type = { 'key-type': 'certificate_external' }
    const missing = await platform.bind(instance, guid(), { parameters: type })
    assert.equal(missing.status, 400)
    assert.match(described(missing), /the certificate is missing\. Give it as X\.509/)
    assert.doesNotMatch(described(missing), /operator/)
    const parameters = { ...type, 'X.509': newRoot('Unknown').issue().pem }
    const untrusted = await platform.bind(instance, guid(), { parameters })
    assert.equal(untrusted.status, 400)
    assert.match(
      described(untrusted),
      /countersign trust add FILE\..*"allow-untrusted": true.*commands are for the operator/,
    )
    const allowed = { ...parameters, 'allow-untrusted': true }
    assert.equal((await platform.bind(instance, guid(), { parameters: allowed })).status, 201)
    const unpinned = { ...allowed, 'certificate-pinning': false }
    const both = await platform.bind(instance, guid(), { parameters: unpinned })
    assert.match(described(both), /Leave certificate-pinning out/)
  })

  test('an instance that is not there: 404; deletions without service and plan: 400', async () => {
    assert.equal((await platform.bind(guid(), guid())).status, 404)
    const id = guid()
    await platform.bind(instance, id)
    for (const query of [
      '',
      asQuery({ service_id }),
      asQuery(ofApiPlan),
      asQuery({ service_id, plan_id: '' }),
    ])
      assert.equal((await platform.call('DELETE', `${at(id)}${query}`)).status, 400, query)
    assert.equal((await platform.call('GET', `${at(id)}/last_operation`)).status, 200)
    const unknown = await platform.call('DELETE', `${at(id, guid())}${asQuery(ofFlowPlan)}`)
    assert.equal(unknown.status, 410)
  })

  test('a binding while its instance is changed: 422, with the word for it, and trying again helps', async () => {
    const [of, id] = [guid(), guid()]
    await platform.provision(of)
    const parameters = { 'key-type': 'certificate', 'key-length': 3072 }
    let settled = false
    const binding = platform.bind(of, id, { parameters }).finally(() => {
      settled = true
    })
    for (let validity = 3600; !settled; validity++)
      await platform.call('PATCH', `/v2/service_instances/${of}`, {
        service_id,
        parameters: { 'token-validity': validity },
      })
    const answer = await binding
    assert.equal(answer.status, 422, answer.text)
    assert.equal(answer.json().error, 'ConcurrencyError')
    assert.equal((await platform.bind(of, id, { parameters })).status, 201)
  })

  test('a body that is not JSON, not an object, too deep or of another type: 400; too large: 413', async () => {
    const key = await server.sender({ plan: 'api', parameters: { roles: platformRoles } })
    const send = (body: string, type?: string) =>
      call(`/osb${at(guid())}`, {
        method: 'PUT',
        headers: {
          Authorization: basic(key),
          'X-Broker-API-Version': '2.17',
          ...(type !== undefined && { 'Content-Type': type }),
        },
        body,
      })
    const good = JSON.stringify(ofFlowPlan)
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`
    for (const [body, type] of [
      ['', 'application/json'],
      ['{', 'application/json'],
      ['[]', 'application/json'],
      ['null', 'application/json'],
      [`{"parameters":{"a":${deep}}}`, 'application/json'],
      [good, 'text/plain'],
      [good, 'application/x-www-form-urlencoded'],
      [good, 'application/jsonx'],
      [good, '???'],
    ]) {
      const answer = await send(body!, type)
      assert.equal(answer.status, 400, `${type} ${body!.slice(0, 40)}: ${answer.text}`)
      assert.ok(answer.json().description)
    }
    assert.equal((await send(`{"x":"${'x'.repeat(200_000)}"}`, 'application/json')).status, 413)
    for (const type of [undefined, 'application/json; charset=utf-8'])
      assert.equal((await send(good, type)).status, 201)
  })

  test('members named like those of every object mean nothing', async () => {
    const key = await server.sender({ plan: 'api', parameters: { roles: platformRoles } })
    const headers = {
      Authorization: basic(key),
      'X-Broker-API-Version': '2.17',
      'Content-Type': 'application/json',
    }
    const body = `{"service_id":"${service_id}","plan_id":"${flowPlan}","parameters":{"__proto__":{"key-type":"certificate"},"constructor":1}}`
    const answer = await call(`/osb${at(guid())}`, { method: 'PUT', headers, body })
    assert.equal(answer.status, 400)
    assert.equal(({} as Json)['key-type'], undefined)
  })
})

test('of an instance for clients of XSUAA, it has their members beside the documented ones', async () => {
  const of = guid()
  assert.equal((await platform.provision(of, { parameters: { dialect: 'uaa' } })).status, 201)
  for (const parameters of [{}, short]) {
    const made = await platform.bind(of, guid(), { parameters })
    assert.equal(made.status, 201, made.text)
    const key = credentialsOf(made)
    assert.ok(key.clientid && key.tokenurl && key.createdate)
    assert.ok(made.json<{ endpoints: Json[] }>().endpoints.length > 0)
  }
})

test('a binding of plan api opens the admin API', async () => {
  const of = guid()
  await platform.provision(of, { ...ofApiPlan, parameters: { roles: ['CredentialsRead'] } })
  const made = await platform.bind(of, guid(), ofApiPlan)
  assert.equal(made.status, 201)
  assert.equal(apiPlan, ofApiPlan.plan_id)
  const token = await server.token(credentialsOf(made))
  assert.equal((await adminWith(server, token).call('GET', '/instances')).status, 200)
})
