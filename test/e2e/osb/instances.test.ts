import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { createInstance, createKey, deleteInstance } from '../../../src/core/broker/index.ts'
import { orThrow, startTestServer } from '../../support/server.ts'
import { adminWith } from '../admin/world.ts'
import {
  apiPlan,
  asQuery,
  described,
  flowPlan,
  guid,
  type Json,
  ofApiPlan,
  ofFlowPlan,
  place,
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
const admin = adminWith(server, await server.adminToken('CredentialsEdit', 'CredentialsRead'))
const at = (id: string) => `/v2/service_instances/${id}`
const named = (instance_name: string): Json => ({ context: { ...place.context, instance_name } })
const names = async () => {
  const { instances } = (await admin.call('GET', '/instances')).json<{ instances: { name: string }[] }>()
  return instances.map(({ name }) => name)
}

describe('a service instance is made', () => {
  test('with the defaults of its plan, and is read back', async () => {
    const id = guid()
    const made = await platform.provision(id)
    assert.deepEqual([made.status, made.json()], [201, {}])
    const read = await platform.call('GET', at(id))
    assert.equal(read.status, 200)
    const { parameters, ...reference } = read.json<{ parameters: Json }>()
    assert.deepEqual(reference, ofFlowPlan)
    assert.deepEqual(
      [parameters.roles, parameters['grant-types'], parameters['token-validity']],
      [['ESBMessaging.send'], ['client_credentials'], 3600],
    )
    assert.deepEqual((await platform.call('GET', `${at(id)}/last_operation`)).json(), { state: 'succeeded' })
  })

  test('what is read back makes the same instance again', async () => {
    const id = guid()
    await platform.provision(id, { parameters: { 'token-validity': 7200, 'token-format': 'opaque' } })
    const { parameters } = (await platform.call('GET', at(id))).json<{ parameters: Json }>()
    assert.equal((await platform.provision(id, { parameters })).status, 200)
  })

  test('of plan api, with roles that the platform holds', async () => {
    const id = guid()
    const made = await platform.provision(id, { ...ofApiPlan, parameters: { roles: ['MonitoringDataRead'] } })
    assert.equal(made.status, 201)
    assert.equal((await platform.call('GET', at(id))).json().plan_id, apiPlan)
  })

  test('under the name that people gave it, and is the same thing for the admin API', async () => {
    const id = guid()
    await platform.provision(id, { ...named('orders-intake'), parameters: { 'token-validity': 7200 } })
    const shown = (await admin.call('GET', '/instances/orders-intake')).json()
    assert.deepEqual([shown.plan, shown['token-validity']], ['integration-flow', 7200])
  })

  test('under its id where it has no name, one that is taken, or one that is not fit for a command line', async () => {
    orThrow(await createInstance(server.tenant, { name: 'taken', plan: 'api', parameters: {} }, services))
    for (const more of [{}, named('taken'), named('two words'), { context: { instance_name: 7 } }]) {
      const id = guid()
      assert.equal((await platform.provision(id, more)).status, 201)
      assert.ok((await names()).includes(id))
    }
    const odd = `odd~${'x'.repeat(200)}`
    assert.equal((await platform.provision(odd)).status, 201)
    assert.equal((await names()).filter(name => name.startsWith('osb-')).length, 1)
  })

  test('ignoring what the specification does not know, and accepts_incomplete', async () => {
    const id = guid()
    const answer = await platform.call('PUT', `${at(id)}?accepts_incomplete=true`, {
      ...ofFlowPlan,
      ...place,
      'x-vendor': { deep: [1] },
    })
    assert.equal(answer.status, 201)
  })
})

describe('asking again', () => {
  test('for the same finds it there: 200', async () => {
    const id = guid()
    const parameters = { roles: ['ESBMessaging.send', 'token.introspect'], 'token-validity': 7200 }
    assert.equal((await platform.provision(id, { parameters })).status, 201)
    for (const same of [
      parameters,
      { 'token-validity': '7200', roles: ['token.introspect', 'ESBMessaging.send'] },
      { ...parameters, 'grant-types': ['client_credentials'] },
      { roles: parameters.roles, 'oauth2-configuration': { 'token-validity': 7200 } },
    ]) {
      const again = await platform.provision(id, { parameters: same, ...named('whatever') })
      assert.deepEqual([again.status, again.json()], [200, {}], JSON.stringify(same))
    }
    assert.equal((await names()).filter(name => name === id).length, 1)
  })

  test('for something else under the same id is a conflict: 409, and nothing changes', async () => {
    const id = guid()
    await platform.provision(id)
    const before = (await platform.call('GET', at(id))).text
    for (const other of [
      { parameters: { 'token-validity': 7200 } },
      { parameters: { roles: [] } },
      { plan_id: apiPlan },
      { organization_guid: 'org-2' },
      { space_guid: 'space-2' },
    ]) {
      const answer = await platform.provision(id, other)
      assert.equal(answer.status, 409, JSON.stringify(other))
      assert.equal(answer.json().error, 'Conflict')
    }
    assert.equal((await platform.call('GET', at(id))).text, before)
  })

  test('several times at once makes one', async () => {
    const id = guid()
    const answers = await Promise.all(Array.from({ length: 6 }, () => platform.provision(id)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 201])
  })
})

describe('a service instance is changed', () => {
  test('in its parameters; what is not given stays', async () => {
    const id = guid()
    await platform.provision(id, { parameters: { 'token-validity': 7200 } })
    const changed = await platform.call('PATCH', at(id), {
      service_id,
      parameters: { roles: ['token.introspect'] },
      previous_values: { plan_id: flowPlan },
    })
    assert.deepEqual([changed.status, changed.json()], [200, {}])
    const { parameters } = (await platform.call('GET', at(id))).json<{ parameters: Json }>()
    assert.deepEqual([parameters.roles, parameters['token-validity']], [['token.introspect'], 7200])
  })

  test('in nothing where no parameters are sent', async () => {
    const id = guid()
    await platform.provision(id)
    const before = (await admin.call('GET', `/instances/${id}`)).text
    const context = { ...place.context, instance_name: 'renamed' }
    const answer = await platform.call('PATCH', at(id), { ...ofFlowPlan, context })
    assert.equal(answer.status, 200)
    assert.equal((await admin.call('GET', `/instances/${id}`)).text, before)
  })

  test('never in its plan: 422', async () => {
    const id = guid()
    await platform.provision(id)
    const answer = await platform.call('PATCH', at(id), { ...ofApiPlan, parameters: { roles: [] } })
    assert.equal(answer.status, 422)
    assert.match(described(answer), /the plan of an instance cannot be changed/)
    assert.equal((await platform.call('GET', at(id))).json().plan_id, flowPlan)
  })
})

describe('a service instance is deleted', () => {
  test('with its bindings, once: 200, then 410', async () => {
    const id = guid()
    await platform.provision(id)
    const binding = await platform.bind(id, guid())
    const { oauth } = binding.json<{ credentials: { oauth: { clientid: string; clientsecret: string } } }>()
      .credentials
    await server.token(oauth)
    const deleted = await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)
    assert.deepEqual([deleted.status, deleted.json()], [200, {}])
    await assert.rejects(server.token(oauth), /401/)
    assert.equal((await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)).status, 410)
    assert.equal((await platform.call('GET', at(id))).status, 404)
    assert.equal((await platform.call('GET', `${at(id)}/last_operation`)).status, 404)
  })

  test('by the operator, which the platform then learns: 410, and the id is free again', async () => {
    const id = guid()
    await platform.provision(id, named('deleted-here'))
    orThrow(await deleteInstance(server.tenant, 'deleted-here', services))
    assert.equal((await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)).status, 410)
    assert.equal((await platform.provision(id)).status, 201)
  })

  test('by the operator alone, where the operator made it: a platform has no id for it, and it lives on', async () => {
    const parameters = { tokenValidity: 7200 }
    const wanted = { name: 'by-hand', plan: 'integration-flow', parameters }
    const made = orThrow(await createInstance(server.tenant, wanted, services))
    const { document } = orThrow(await createKey(server.tenant, 'by-hand', 'key', {}, services))
    for (const id of ['by-hand', made.id]) {
      assert.equal((await platform.call('GET', at(id))).status, 404)
      assert.equal((await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)).status, 410)
      assert.equal((await platform.bind(id, guid())).status, 404)
    }
    assert.ok((await names()).includes('by-hand'))
    await server.token(document as unknown as { clientid: string; clientsecret: string })
    // What the platform makes under such an id is another one.
    assert.equal((await platform.provision(made.id)).status, 201)
    assert.equal((await admin.call('GET', '/instances/by-hand')).json()['token-validity'], 7200)
  })

  test('by the platform, with the keys that the operator made', async () => {
    const id = guid()
    await platform.provision(id, named('shared'))
    const { document } = orThrow(await createKey(server.tenant, 'shared', 'by-hand', {}, services))
    const key = document as unknown as { clientid: string; clientsecret: string }
    await server.token(key)
    await platform.call('DELETE', `${at(id)}${asQuery(ofFlowPlan)}`)
    await assert.rejects(server.token(key), /401/)
    assert.ok(!(await names()).includes('shared'))
  })
})

describe('what is refused', () => {
  const noInstance = guid()
  const cases: readonly [string, number, RegExp, Json | string][] = [
    ['no service', 400, /service_id/, { plan_id: flowPlan, ...place }],
    ['no plan', 400, /plan_id/, { service_id, ...place }],
    ['no organization', 400, /organization_guid/, { ...ofFlowPlan, space_guid: 'space-1' }],
    ['an empty organization', 400, /organization_guid/, { ...ofFlowPlan, ...place, organization_guid: '' }],
    ['a service that is not in the catalog', 400, /service_id/, { ...ofFlowPlan, ...place, service_id: 'x' }],
    ['a plan that is not in the catalog', 400, /plan_id/, { ...ofFlowPlan, ...place, plan_id: service_id }],
    ['parameters that are no object', 400, /parameters/, { ...ofFlowPlan, ...place, parameters: [] }],
    [
      'a parameter that is not there',
      400,
      /did you mean roles/,
      { ...ofFlowPlan, ...place, parameters: { role: [] } },
    ],
    [
      'a grant type of people',
      400,
      /password/,
      { ...ofFlowPlan, ...place, parameters: { 'grant-types': ['password'] } },
    ],
    [
      'a role that is not there',
      400,
      /there is no role/,
      { ...ofFlowPlan, ...place, parameters: { roles: ['X'] } },
    ],
    [
      'maintenance information',
      422,
      /maintenance/,
      { ...ofFlowPlan, ...place, maintenance_info: { version: '1.0.0' } },
    ],
    ['an identity that is a number', 400, /plan_id/, { service_id, plan_id: 1, ...place }],
  ]
  for (const [title, status, reason, body] of cases)
    test(`${title}: ${status}`, async () => {
      const answer = await platform.call('PUT', at(noInstance), body as Json)
      assert.equal(answer.status, status, answer.text)
      assert.match(described(answer), reason)
      assert.equal((await platform.call('GET', at(noInstance))).status, 404)
    })

  test('maintenance information has the word of the specification', async () => {
    const answer = await platform.provision(guid(), { maintenance_info: { version: '1.0.0' } })
    assert.equal(answer.json().error, 'MaintenanceInfoConflict')
  })

  test('a change of an instance that is not there: 404; to what cannot be: 400', async () => {
    assert.equal((await platform.call('PATCH', at(guid()), { service_id })).status, 404)
    const id = guid()
    await platform.provision(id)
    for (const body of [{}, { service_id: 'x' }, { service_id, parameters: { 'token-validity': 1 } }])
      assert.equal((await platform.call('PATCH', at(id), body)).status, 400, JSON.stringify(body))
  })

  test('a deletion without service and plan, or with those of another: 400, and it stays', async () => {
    const id = guid()
    await platform.provision(id)
    for (const query of [
      '',
      asQuery({ service_id }),
      asQuery({ plan_id: flowPlan }),
      asQuery(ofApiPlan),
      asQuery({ service_id: 'x', plan_id: flowPlan }),
      `${asQuery(ofFlowPlan)}&plan_id=${flowPlan}`,
    ])
      assert.equal((await platform.call('DELETE', `${at(id)}${query}`)).status, 400, query)
    assert.equal((await platform.call('GET', at(id))).status, 200)
  })

  test('an id without end, or with control characters: 400', async () => {
    assert.equal((await platform.provision('x'.repeat(256))).status, 400)
    assert.equal((await platform.provision('a%0ab')).status, 400)
  })

  test('a second name for the same instance, when it is taken by an id: still one name each', async () => {
    const [first, second] = [guid(), guid()]
    await platform.provision(first, named(second))
    assert.equal((await platform.provision(second)).status, 201)
    assert.equal((await names()).filter(name => name === second).length, 1)
  })
})
