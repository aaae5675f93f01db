import assert from 'node:assert/strict'
import { test } from 'node:test'
import { osbApi } from '../../../src/adapters/http/osb/index.ts'
import { assertPublished, published, withMore } from './judge.ts'
import { beyondDocument } from './specification-text.ts'

const headers = { 'content-type': 'application/json; charset=utf-8' }
const judge = (method: string, path: string, status: number, body: unknown, more = headers) =>
  assertPublished(method, path, { status, headers: more, text: JSON.stringify(body) })

const instance = '/v2/service_instances/i-1'
const binding = `${instance}/service_bindings/b-1`
const refusal = { error: 'NotFound', description: 'it is not there', correlation_id: 'c-1' }
const plan = { id: 'p-1', name: 'plan', description: 'a plan', free: true, schemas: {} }
const service = { id: 's-1', name: 'service', description: 'a service', bindable: true, plans: [plan] }
const bound = {
  metadata: { expires_at: '2030-01-31T00:00:00.000Z', renew_before: '2030-01-01T00:00:00.000Z' },
  credentials: { oauth: {} },
  endpoints: [{ host: 'localhost', ports: ['443'] }],
}

const good: readonly [string, string, number, unknown][] = [
  ['GET', '/v2/catalog', 200, { services: [service] }],
  ['PUT', `${instance}?accepts_incomplete=true`, 201, {}],
  ['PATCH', instance, 200, {}],
  ['GET', instance, 200, { service_id: 's-1', plan_id: 'p-1', parameters: { roles: [] } }],
  ['GET', instance, 404, refusal],
  ['DELETE', instance, 410, refusal],
  ['PUT', binding, 201, bound],
  ['PUT', binding, 422, { ...refusal, error: 'ConcurrencyError' }],
  ['GET', `${binding}/last_operation`, 200, { state: 'succeeded' }],
  ['PUT', binding, 412, refusal],
  ['POST', '/v2/catalog', 405, refusal],
  ['GET', '/v2/nothing', 404, refusal],
]

test('the judge is the document of version 2.17, and lets good answers pass', () => {
  assert.equal(published.info.version, 'v2.17')
  for (const one of good) judge(...one)
})

test('every operation of the document is served, and no other', () => {
  const ours = osbApi.map(({ method, path }) => `${method} /v2${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  const its = Object.entries(published.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(ours.sort(), its.sort())
})

const wrong: Readonly<Record<string, readonly [string, string, number, unknown, RegExp]>> = {
  'a status that the operation does not have': ['GET', '/v2/catalog', 201, { services: [] }, /no answer 201/],
  'an asynchronous answer with a member of another type': [
    'DELETE',
    instance,
    202,
    { operation: 1 },
    /published.*operation/,
  ],
  '404 for what was to be deleted': ['DELETE', binding, 404, refusal, /no answer 404/],
  '410 for what was to be read': ['GET', instance, 410, refusal, /no answer 410/],
  '409 where nothing is made': ['PATCH', instance, 409, refusal, /no answer 409/],
  '405 for a method that is there': ['PUT', instance, 405, refusal, /no answer 405/],
  'a good answer where there is no operation': ['GET', '/v2/nothing', 200, {}, /no answer 200/],
  'a catalog that is a list': ['GET', '/v2/catalog', 200, [service], /published.*must be object/],
  'a service without its plans': [
    'GET',
    '/v2/catalog',
    200,
    { services: [{ ...service, plans: undefined }] },
    /published.*plans/,
  ],
  'a plan whose name is null': [
    'GET',
    '/v2/catalog',
    200,
    { services: [{ ...service, plans: [{ ...plan, name: null }] }] },
    /published.*must be string/,
  ],
  'a service with no plan in the list': [
    'GET',
    '/v2/catalog',
    200,
    { services: [{ ...service, plans: [] }] },
    /text.*fewer than 1/,
  ],
  'a schema that does not say which': [
    'GET',
    '/v2/catalog',
    200,
    {
      services: [
        { ...service, plans: [{ ...plan, schemas: { service_instance: { create: { parameters: {} } } } }] },
      ],
    },
    /text.*\$schema/,
  ],
  'an answer to an update that says something': [
    'PATCH',
    instance,
    200,
    { dashboard_url: 'x' },
    /text.*more than 0/,
  ],
  'a port that is a number': [
    'PUT',
    binding,
    201,
    { ...bound, endpoints: [{ host: 'localhost', ports: [443] }] },
    /published.*must be string/,
  ],
  'a binding without credentials': [
    'PUT',
    binding,
    201,
    { ...bound, credentials: undefined },
    /text.*credentials/,
  ],
  'a time without its zone': [
    'PUT',
    binding,
    201,
    { ...bound, metadata: { expires_at: '2030-01-31T00:00:00' } },
    /text.*pattern/,
  ],
  'a member that nobody described': [
    'PUT',
    binding,
    201,
    { ...bound, metadata: { renew_befor: bound.metadata.renew_before } },
    /text.*renew_befor/,
  ],
  'a state that is not there': [
    'GET',
    `${instance}/last_operation`,
    200,
    { state: 'done' },
    /published.*allowed values/,
  ],
  'an error in words': ['GET', instance, 404, { ...refusal, error: 'not found' }, /text.*pattern/],
  'an error that tells people nothing': [
    'GET',
    instance,
    404,
    { ...refusal, description: '' },
    /text.*fewer/,
  ],
}
for (const [title, [method, path, status, body, why]] of Object.entries(wrong))
  test(`the judge refuses ${title}`, () => {
    assert.throws(() => judge(method, path, status, body), why)
  })

test('the judge refuses what is not sent as JSON', () => {
  assert.throws(() => judge('PATCH', instance, 200, {}, { 'content-type': 'text/plain' }), /application/)
})

test('what is asked beyond the document never replaces what it says', () => {
  const schema = { type: 'string', required: ['a'] }
  assert.deepEqual(withMore(schema, { minLength: 1, required: ['b'] }), {
    type: 'string',
    minLength: 1,
    required: ['a', 'b'],
  })
  assert.throws(() => withMore(schema, { type: 'number' }), /says something else/)
  // A slip in a name would ask nothing of anybody.
  const { schemas } = published.components
  for (const name of Object.keys(beyondDocument.components.schemas)) assert.ok(schemas[name], name)
})
