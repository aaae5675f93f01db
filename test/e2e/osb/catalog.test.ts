import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Ajv, type AnySchemaObject } from 'ajv'
import { startTestServer } from '../../support/server.ts'
import { platformBySecret, platformRoles } from './world.ts'

const server = await startTestServer()
after(() => server.close())
const platform = platformBySecret(
  server,
  await server.sender({ plan: 'api', parameters: { roles: platformRoles } }),
)

type Parameters = { parameters: AnySchemaObject }
interface Plan {
  id: string
  name: string
  schemas: {
    service_instance: { create: Parameters; update: Parameters }
    service_binding: { create: Parameters }
  }
  [member: string]: unknown
}
const answer = await platform.call('GET', '/v2/catalog')
const { services } = answer.json<{ services: (Record<string, unknown> & { plans: Plan[] })[] }>()

test('the catalog has one service with both plans, which tell what they can', () => {
  assert.equal(answer.status, 200)
  assert.equal(services.length, 1)
  const { name, bindable, instances_retrievable, bindings_retrievable, plan_updateable, plans } = services[0]!
  assert.deepEqual(
    { name, bindable, instances_retrievable, bindings_retrievable, plan_updateable },
    {
      name: 'process-integration-runtime',
      bindable: true,
      instances_retrievable: true,
      bindings_retrievable: false,
      plan_updateable: false,
    },
  )
  assert.deepEqual(
    plans.map(plan => [plan.name, plan.binding_rotatable, plan.plan_updateable, plan.free]),
    [
      ['integration-flow', true, false, true],
      ['api', true, false, true],
    ],
  )
})

test('the ids are GUIDs that stay the same for ever', () => {
  // Written down: platforms keep them.
  assert.equal(services[0]!.id, 'ad87607c-cad4-5e89-9b47-52b762eea87f')
  assert.deepEqual(
    services[0]!.plans.map(({ id }) => id),
    ['beec05dc-7f82-5373-bcff-a1f24cc28585', '4266cc26-7490-52e7-9ff3-2ef7d80d1616'],
  )
})

test('the schemas are JSON Schema draft 4, smaller than 64 kB, and refer to no other document', () => {
  for (const { schemas } of services[0]!.plans)
    for (const { parameters } of [
      schemas.service_instance.create,
      schemas.service_instance.update,
      schemas.service_binding.create,
    ]) {
      assert.equal(parameters.$schema, 'http://json-schema.org/draft-04/schema#')
      assert.ok(JSON.stringify(parameters).length < 64 * 1024)
      assert.doesNotMatch(JSON.stringify(parameters), /"\$ref"|"default"/)
    }
})

/** Draft 4 and draft 7 mean the same by the words that are used here. */
const compile = ({ parameters: { $schema: _, ...schema } }: Parameters) =>
  new Ajv({ validateFormats: false, strict: true }).compile(schema)

test('the schemas take the documented parameters, in both spellings, and nothing else', () => {
  const { schemas } = services[0]!.plans[0]!
  const instance = compile(schemas.service_instance.create)
  const key = compile(schemas.service_binding.create)
  for (const good of [
    { 'grant-types': ['client_credentials'], 'redirect-uris': [], roles: ['ESBMessaging.send'] },
    { 'oauth2-configuration': { 'token-validity': 7200, 'grant-types': ['client_credentials'] } },
    {},
  ])
    assert.ok(instance(good), JSON.stringify(good))
  for (const bad of [
    { role: ['ESBMessaging.send'] },
    { roles: 'ESBMessaging.send' },
    { 'token-validity': 1 },
  ])
    assert.ok(!instance(bad), JSON.stringify(bad))
  for (const good of [
    {},
    { 'key-type': 'certificate', validity: 365, 'key-length': 2048 },
    { 'key-type': 'certificate_external', 'X.509': '-----BEGIN CERTIFICATE-----', validity: 365 },
    { 'credential-type': 'binding-secret' },
    { 'credential-type': 'x509', x509: { 'key-length': 2048, validity: 30, 'validity-type': 'DAYS' } },
    { 'credential-type': 'x509', x509: { certificate: '-----BEGIN', 'certificate-pinning': false } },
    { 'key-type': 'certificate', csr: '-----BEGIN CERTIFICATE REQUEST-----' },
  ])
    assert.ok(key(good), JSON.stringify(good))
  for (const bad of [
    { 'key-type': 'password' },
    { 'key-type': 'certificate', validity: 366 },
    { 'key-type': 'certificate', 'key-length': 1024 },
    { 'credential-type': 'x509', x509: { 'validity-type': 'MONTHS' } },
    { secret: 'mine' },
  ])
    assert.ok(!key(bad), JSON.stringify(bad))
})
