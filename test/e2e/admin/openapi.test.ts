import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AnySchemaObject, Ajv2020 as Validator } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { adminApi } from '../../../src/adapters/http/admin/index.ts'
import { certificateFingerprint } from '../../../src/crypto/thumbprint.ts'
import { startReceiver } from '../../support/receiver.ts'
import { newRoot, pkcs8 } from '../../support/senders.ts'
import type { Answer } from '../../support/server.ts'
import { flowFile } from '../worker/world.ts'
import { type Json, startAdminWorld } from './world.ts'

const { server, services, admin, newKey, close } = await startAdminWorld()
after(close)

interface Operation {
  summary: string
  parameters: { name: string; in: string; required: boolean; schema: AnySchemaObject }[]
  requestBody?: { required: boolean; content: Record<string, { schema: AnySchemaObject }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: AnySchemaObject }> }>
}
interface Document {
  openapi: string
  info: { title: string; version: string }
  servers: { url: string }[]
  security: Record<string, string[]>[]
  paths: Record<string, Record<string, Operation>>
  components: { securitySchemes: Record<string, Json> }
}

let document: Document
const validator = new Validator({ strict: true, allErrors: true })
formats.default(validator)

before(async () => {
  const answer = await server.call('/admin/openapi.json', { headers: admin.headers })
  assert.equal(answer.status, 200)
  document = answer.json<Document>()
})

const operationOf = (method: string, path: string): Operation => {
  const operation = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
  assert.ok(operation, `${method} ${path} is in the document`)
  return operation
}

test('the document is OpenAPI 3.1 about this server, and needs no other document', () => {
  assert.match(document.openapi, /^3\.1\.\d+$/)
  assert.ok(document.info.title && document.info.version)
  assert.deepEqual(document.servers, [{ url: `${server.url}/admin/v1` }])
  assert.deepEqual(document.security, [{ token: [] }])
  assert.equal(document.components.securitySchemes.token?.scheme, 'bearer')
  assert.doesNotMatch(JSON.stringify(document), /"\$ref"/)
})

test('every operation is there, and none besides', () => {
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`),
  )
  const served = adminApi.map(route => `${route.method} ${route.path.replace(/:(\w+)/g, '{$1}')}`)
  assert.deepEqual(described.sort(), served.sort())
})

test('every operation tells its roles, all parameters of its path, and a refusal; its schemas are valid', () => {
  for (const route of adminApi) {
    const operation = operationOf(route.method, route.path)
    assert.ok(operation.summary)
    for (const role of route.roles) assert.match(JSON.stringify(operation), new RegExp(role))
    const inPath = operation.parameters.filter(parameter => parameter.in === 'path')
    const expected = [...route.path.matchAll(/:(\w+)/g)].map(match => match[1])
    assert.deepEqual(inPath.map(parameter => parameter.name).sort(), expected.sort())
    assert.ok(inPath.every(parameter => parameter.required))
    assert.ok(operation.responses.default?.content?.['application/json'])
    assert.ok(operation.responses[String(route.status ?? 200)])
    const schemas = [
      ...operation.parameters.map(parameter => parameter.schema),
      ...[operation.requestBody, ...Object.values(operation.responses)].flatMap(part =>
        Object.values(part?.content ?? {}).map(({ schema }) => schema),
      ),
    ]
    for (const schema of schemas)
      assert.doesNotThrow(() => validator.compile(schema), `${route.method} ${route.path}`)
  }
})

/** The answer must fit what the document promises for its status. */
function fits(method: string, path: string, answer: Answer): void {
  const { responses } = operationOf(method, path)
  const promised = responses[String(answer.status)] ?? responses.default
  const schema = promised?.content?.['application/json']?.schema
  const what = `${method} ${path} ${answer.status} ${answer.text}`
  if (!schema) {
    assert.equal(answer.text, '', what)
    return
  }
  assert.match(answer.headers['content-type'] as string, /^application\/json/)
  const valid = validator.validate(schema, answer.json())
  assert.ok(valid, `${what}: ${validator.errorsText()}`)
}

test('the answers of every operation are as the document says', async t => {
  const receiver = await startReceiver()
  t.after(receiver.close)
  const key = await newKey('used')
  await server.deploy(flowFile('taken', receiver.origin))
  const token = await server.token(key)
  await server.call('/http/taken', { headers: { Authorization: `Bearer ${token}` } })
  const refused = await server.call('/http/taken')
  await services.journal.flush()

  const flow = flowFile('made', receiver.origin)
  const root = newRoot('of the document')
  const imported = root.intermediate('below it')
  const issued = await admin.call('POST', '/instances/used/keys', {
    name: 'issued',
    parameters: { 'key-type': 'certificate', 'key-length': 256 },
  })
  const serial = issued.json<{ certificatedetails: { serialnumber: string } }>().certificatedetails
    .serialnumber
  const [old] = (await admin.call('GET', '/authority')).json<{ certificates: { id: string }[] }>()
    .certificates
  assert.ok(old)
  await admin.call('POST', '/authority/roll-over', { leadDays: 0 })
  await admin.call('POST', '/apps', { name: 'resource', appRoles: [{ value: 'Use' }] })
  const secret = (await admin.call('POST', '/apps/resource/secrets', { validityDays: 9 })).json<{
    id: string
  }>()
  for (const system of [
    { name: 'desk', type: 'scim', role: 'target', properties: { URL: server.url } },
    { name: 'people', type: 'file', role: 'source', properties: { 'file.users': 'people.csv' } },
  ])
    await admin.call('POST', '/provisioning/systems', system)
  await admin.call('PATCH', '/provisioning/systems/people', { properties: { targets: 'desk' } })
  const firstShown = await admin.call('POST', '/provisioning/systems/desk/certificates')
  const { fingerprint: shown } = firstShown.json<{ fingerprint: string }>()
  const waiting = await admin.call('POST', '/provisioning/systems/desk/certificates')
  const { fingerprint: unused } = waiting.json<{ fingerprint: string }>()
  const job = (await admin.call('POST', '/provisioning/systems/people/jobs', {})).json<{ id: string }>()
  const systems = '/provisioning/systems'
  const transformation = `${systems}/:name/transformations/:kind`
  const calls: [method: string, path: string, at: string, body?: unknown][] = [
    ['GET', '/tenants', '/tenants'],
    ['POST', '/tenants', '/tenants', { name: 'acme', aliases: ['acme.example'], signingAlgorithm: 'EdDSA' }],
    ['PATCH', '/tenants/:name', '/tenants/acme', { selfSigned: true }],
    ['DELETE', '/tenants/:name', '/tenants/acme'],
    ['GET', '/signing-keys', '/signing-keys'],
    ['POST', '/signing-keys/rotation', '/signing-keys/rotation', {}],
    ['POST', '/master-key/rotation', '/master-key/rotation', {}],
    ['GET', '/roles', '/roles'],
    ['POST', '/roles', '/roles', { name: 'New.role', description: 'for a test' }],
    ['DELETE', '/roles/:name', '/roles/New.role'],
    ['GET', '/instances', '/instances'],
    [
      'POST',
      '/instances',
      '/instances',
      { name: 'made', parameters: { 'redirect-uris': ['https://a.example/'] } },
    ],
    ['GET', '/instances/:instance', '/instances/made'],
    ['PATCH', '/instances/:instance', '/instances/made', { parameters: { 'token-validity': 7200 } }],
    [
      'POST',
      '/instances/:instance/keys',
      '/instances/made/keys',
      { name: 'k', parameters: { 'key-type': 'secret' } },
    ],
    [
      'POST',
      '/instances/:instance/keys',
      '/instances/made/keys',
      { name: 'c', parameters: { 'key-type': 'certificate', 'key-length': 256 } },
    ],
    [
      'POST',
      '/instances/:instance/keys/:key/rotation',
      '/instances/made/keys/k/rotation',
      { overlapDays: 2 },
    ],
    ['POST', '/instances/:instance/keys/:key/rotation', '/instances/made/keys/c/rotation', {}],
    [
      'POST',
      '/certificates/:name/revocation',
      `/certificates/${serial}/revocation`,
      { reason: 'superseded' },
    ],
    ['GET', '/instances/:instance/keys', '/instances/made/keys'],
    ['GET', '/trust', '/trust'],
    [
      'POST',
      '/trust',
      '/trust',
      { certificates: root.pem, ocspUrl: 'http://127.0.0.1:9/', revocation: 'soft' },
    ],
    ['GET', '/trust', '/trust'],
    ['DELETE', '/trust/:fingerprint', `/trust/${certificateFingerprint(root.der)}`],
    ['POST', '/authority/roll-over', '/authority/roll-over', {}],
    ['GET', '/authority', '/authority'],
    ['DELETE', '/authority/:id', `/authority/${old.id}`],
    [
      'POST',
      '/authority/import',
      '/authority/import',
      { certificates: imported.pem + root.pem, key: pkcs8(imported.pair), overlapDays: 1 },
    ],
    ['GET', '/instances/:instance/keys', '/instances/used/keys'],
    ['GET', '/instances/:instance/keys/:key', '/instances/used/keys/key'],
    ['POST', '/instances/:instance/keys/:key/token-revocation', '/instances/made/keys/k/token-revocation'],
    ['DELETE', '/instances/:instance/keys/:key', '/instances/made/keys/k'],
    ['DELETE', '/instances/:instance', '/instances/made'],
    ['POST', '/clients', '/clients', { clientid: 'erp', tokenLifetime: 60, subscription: 'a.hcioem' }],
    ['GET', '/clients', '/clients'],
    ['GET', '/clients/:client', '/clients/erp'],
    ['PATCH', '/clients/:client', '/clients/erp', { disabled: true, secret: true }],
    ['POST', '/clients/:client/token-revocation', '/clients/erp/token-revocation', { tokenId: 'x' }],
    ['POST', '/clients/:client/token-revocation', '/clients/erp/token-revocation'],
    [
      'POST',
      '/role-assignments',
      '/role-assignments',
      { user: 'oauth_client_erp', role: 'ESBMessaging.send' },
    ],
    ['GET', '/role-assignments', '/role-assignments?user=oauth_client_erp'],
    [
      'DELETE',
      '/role-assignments',
      '/role-assignments?user=oauth_client_erp&role=ESBMessaging.send&subscription=default.iflmap',
    ],
    ['DELETE', '/clients/:client', '/clients/erp'],
    ['POST', '/apps', '/apps', { name: 'App', idUri: 'api://app', requestedAccessTokenVersion: 1 }],
    ['PATCH', '/apps/:app', '/apps/App', { idUri: null, enabled: false, appRoles: [{ value: 'A' }] }],
    ['POST', '/apps/:app/certificates', '/apps/App/certificates', { certificate: root.pem }],
    ['POST', '/apps/:app/secrets', '/apps/App/secrets'],
    ['POST', '/apps/:app/grants', '/apps/App/grants', { resource: 'resource', role: 'Use' }],
    ['GET', '/apps', '/apps'],
    ['GET', '/apps/:app', '/apps/App'],
    [
      'POST',
      '/apps/:app/grants/revocation',
      '/apps/App/grants/revocation',
      { resource: 'resource', role: 'Use' },
    ],
    [
      'DELETE',
      '/apps/:app/certificates/:thumbprint',
      `/apps/App/certificates/${certificateFingerprint(root.der)}`,
    ],
    ['DELETE', '/apps/:app/secrets/:secret', `/apps/resource/secrets/${secret.id}`],
    ['DELETE', '/apps/:app', '/apps/App'],
    ['POST', '/keystore', '/keystore', { alias: 'erp', subject: 'CN=erp', keyLength: 256, validityDays: 9 }],
    ['POST', '/keystore/import', '/keystore/import', { alias: 'partner', file: pkcs8(root.pair) + root.pem }],
    ['GET', '/keystore', '/keystore'],
    ['GET', '/keystore/:alias', '/keystore/erp'],
    ['GET', '/keystore/:alias/signing-request', '/keystore/erp/signing-request'],
    ['POST', '/keystore/:alias/chain', '/keystore/partner/chain', { certificates: root.pem }],
    ['PATCH', '/keystore/:alias', '/keystore/partner', { alias: 'Partner' }],
    ['DELETE', '/keystore/:alias', '/keystore/Partner'],
    [
      'POST',
      '/material',
      '/material',
      { name: 'crm', type: 'user', content: { user: 'u', password: 'p' }, replace: false },
    ],
    ['GET', '/material', '/material'],
    ['DELETE', '/material/:name', '/material/crm'],
    ['POST', '/connectivity-tests', '/connectivity-tests', { address: server.url }],
    [
      'POST',
      '/connectivity-tests',
      '/connectivity-tests',
      { address: 'no-such-host.invalid', verify: false },
    ],
    ['GET', '/provisioning/system-types', '/provisioning/system-types'],
    ['POST', systems, systems, { name: 'hr', type: 'scim', role: 'source', properties: { Password: 'p' } }],
    ['GET', systems, systems],
    ['PATCH', `${systems}/:name`, `${systems}/hr`, { properties: { Password: null, URL: server.url } }],
    ['PUT', transformation, `${systems}/hr/transformations/read`, { user: { mappings: [] } }],
    ['GET', transformation, `${systems}/hr/transformations/read`],
    ['DELETE', transformation, `${systems}/hr/transformations/read`],
    ...[{ id: 'anna' }, {}].map((entity): [string, string, string, unknown] => [
      'POST',
      `${transformation}/dry-run`,
      `${systems}/hr/transformations/read/dry-run`,
      { entityType: 'user', entity },
    ]),
    ['POST', `${systems}/:name/certificates`, `${systems}/hr/certificates`],
    ['GET', `${systems}/:name/certificates`, `${systems}/desk/certificates`],
    ['GET', `${systems}/:name/certificates/:fingerprint`, `${systems}/desk/certificates/newest`],
    [
      'POST',
      `${systems}/:name/certificates/:fingerprint/activate`,
      `${systems}/desk/certificates/${shown}/activate`,
    ],
    ['DELETE', `${systems}/:name/certificates/:fingerprint`, `${systems}/desk/certificates/${unused}`],
    ['POST', `${systems}/:name/jobs`, `${systems}/people/jobs`, { type: 'simulate' }],
    ['GET', '/provisioning/jobs', '/provisioning/jobs?system=people'],
    ['GET', '/provisioning/jobs/:id', `/provisioning/jobs/${job.id}`],
    ['GET', '/provisioning/jobs/:id/lines', `/provisioning/jobs/${job.id}/lines?log=failed`],
    ['POST', '/provisioning/jobs/:id/stop', `/provisioning/jobs/${job.id}/stop`],
    ['PUT', `${systems}/:name/schedule`, `${systems}/people/schedule`, { everyMinutes: 60 }],
    ['GET', `${systems}/:name`, `${systems}/people`],
    ['POST', `${systems}/:name/reset`, `${systems}/hr/reset`],
    ['DELETE', `${systems}/:name`, `${systems}/hr`],
    ['POST', '/flows', '/flows', flow],
    ['GET', '/flows', '/flows'],
    ['DELETE', '/flows/:id', '/flows/made'],
    ['GET', '/messages', '/messages?flow=taken'],
    ['GET', '/decisions', '/decisions?code=no_credentials'],
    ['GET', '/decisions/:id', `/decisions/${refused.headers['x-correlation-id']}`],
    ['POST', '/explain', '/explain', { token, endpoint: '/http/taken' }],
    ['POST', '/explain', '/explain', { token: 'wrong' }],
    ['POST', '/identity/explain', '/identity/explain', { token: 'wrong' }],
  ]
  for (const [method, path, at, body] of calls) {
    const answer = await admin.call(method, at, body)
    const route = adminApi.find(each => each.method === method && each.path === path)
    assert.equal(answer.status, route?.status ?? 200, `${method} ${at}: ${answer.text}`)
    fits(method, path, answer)
    assert.equal(answer.headers['cache-control'], 'no-store', `${method} ${at}`)
  }
  const exercised = new Set(calls.map(([method, path]) => `${method} ${path}`))
  assert.deepEqual(
    adminApi.map(route => `${route.method} ${route.path}`).filter(route => !exercised.has(route)),
    [],
    'every operation was called',
  )
  for (const list of ['/messages?flow=taken', '/decisions?code=no_credentials', '/instances', '/flows'])
    assert.notDeepEqual(Object.values((await admin.call('GET', list)).json())[0], [], `${list} is not empty`)
})

test('refusals are as the document says, too', async () => {
  for (const [method, path, at, body] of [
    ['POST', '/roles', '/roles', { name: 'no space' }],
    ['GET', '/instances/:instance', '/instances/nothing', undefined],
    ['POST', '/tenants', '/tenants', { name: 'admin' }],
    ['POST', '/flows', '/flows', {}],
  ] as const) {
    const answer = await admin.call(method, at, body)
    assert.ok(answer.status >= 400)
    fits(method, path, answer)
  }
})

test('what the document says of a body is what is checked: its refusals and its examples agree', async () => {
  const bodies: [path: string, at: string, good: unknown[], bad: unknown[]][] = [
    [
      '/roles',
      '/roles',
      [{ name: 'Agreed.role' }],
      [{}, { name: 1 }, { name: 'A', extra: 1 }, [], 'text', null],
    ],
    [
      '/tenants',
      '/tenants',
      [],
      [{}, { name: 'a-b', signingAlgorithm: 'HS256' }, { name: 'a-b', aliases: 'x' }],
    ],
    [
      '/instances',
      '/instances',
      [{ name: 'agreed' }],
      [{ plan: 'api' }, { name: [] }, { name: 'x', more: 1 }],
    ],
    [
      '/explain',
      '/explain',
      [{ token: 'x' }],
      [{}, { token: 1 }, { token: 'x', endpoint: 1 }, { token: 'x', a: 1 }],
    ],
    [
      '/identity/explain',
      '/identity/explain',
      [{ token: 'x' }, { token: 'x', resourceType: 'ROLE', permission: 'READ' }],
      [{}, { token: 1 }, { token: 'x', resourceType: 1 }, { token: 'x', a: 1 }],
    ],
    [
      '/trust',
      '/trust',
      [{ certificates: newRoot('agreed').pem }],
      [
        {},
        { certificates: 1 },
        { certificates: '', revocation: 'sometimes' },
        { certificates: '', crlUrl: 'ldap://crl.example' },
        { certificates: '', crlUrl: 'no address' },
      ],
    ],
    [
      '/authority/roll-over',
      '/authority/roll-over',
      [{ leadDays: 365, overlapDays: 0 }],
      [{ leadDays: -1 }, { leadDays: 366 }, { overlapDays: 1.5 }, { overlapDays: '400' }, { days: 1 }],
    ],
    [
      '/authority/import',
      '/authority/import',
      [],
      [{}, { certificates: 'x' }, { certificates: 'x', key: 1 }],
    ],
    ['/signing-keys/rotation', '/signing-keys/rotation', [{}], [{ now: 'yes' }, { algorithm: 'none' }]],
  ]
  for (const [path, at, good, bad] of bodies) {
    const schema = operationOf('POST', path).requestBody?.content['application/json']?.schema
    assert.ok(schema)
    for (const body of good) {
      assert.equal(validator.validate(schema, body), true, JSON.stringify(body))
      assert.ok((await admin.call('POST', at, body)).status < 300, JSON.stringify(body))
    }
    for (const body of bad) {
      assert.equal(validator.validate(schema, body), false, `${path} ${JSON.stringify(body)}`)
      assert.equal((await admin.call('POST', at, body)).status, 400, JSON.stringify(body))
    }
  }
})
