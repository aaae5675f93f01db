import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Application, updateApplication } from '../../../src/core/applications/index.ts'
import { entraErrors } from '../../../src/core/entra-errors.ts'
import type { Sender } from '../../support/senders.ts'
import { basic, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { decisionOf } from '../worker/world.ts'
import {
  ask,
  assertNumber,
  claimsOf,
  holdCertificate,
  jwtBearer,
  newApp,
  newCertificate,
  secretOf,
  signed,
  tokenOf,
} from './world.ts'

let server: TestServer
let resource: Application
let assigned: Application
let gone: Application
let app: Application
let disabled: Application
let secret: string
let expired: string
let certificate: Sender
let over: Sender
let early: Sender
const day = 86_400_000

before(async () => {
  server = await startTestServer()
  const { services } = server.server
  resource = await newApp(server, { idUri: 'api://resource' })
  assigned = await newApp(server, { assignmentRequired: true, appRoles: [{ value: 'Use' }] })
  gone = await newApp(server)
  app = await newApp(server)
  disabled = await newApp(server)
  for (const one of [gone, disabled])
    orThrow(await updateApplication(server.tenant, one.clientId, { disabled: true }, services))
  secret = await secretOf(server, app)
  expired = await secretOf(server, app, 1)
  certificate = newCertificate()
  over = newCertificate('over', { notAfter: Date.now() + day })
  early = newCertificate('early', { notBefore: Date.now() + 30 * day })
  for (const one of [certificate, over, early]) await holdCertificate(server, app, one)
  server.advance(2 * day)
})
after(() => server.close())

type Parameters = Record<string, string | undefined>
interface Row {
  readonly what: string
  readonly send: () => Parameters
  /** Status, OAuth error, number, and what is said. */
  readonly gets: readonly [number, string, number, RegExp?]
}

const stranger = newCertificate('stranger')
const scope = () => `${resource.clientId}/.default`
const byAssertion = (assertion: string, more: Parameters = {}): Parameters => ({
  client_id: app.clientId,
  client_assertion_type: jwtBearer,
  client_assertion: assertion,
  scope: scope(),
  ...more,
})
const bySecret = (more: Parameters = {}): Parameters => ({
  client_id: app.clientId,
  client_secret: secret,
  scope: scope(),
  ...more,
})
const seconds = () => Math.floor(server.now() / 1000)

/** In the order in which a request is looked at: each has a later fault as well, where it can. */
const rows: readonly Row[] = [
  {
    what: 'no grant_type',
    send: () => bySecret({ grant_type: undefined, client_id: undefined }),
    gets: [400, 'invalid_request', 900144, /'grant_type'/],
  },
  {
    what: 'an empty grant_type',
    send: () => bySecret({ grant_type: '' }),
    gets: [400, 'invalid_request', 900144],
  },
  {
    what: 'another grant_type',
    send: () => bySecret({ grant_type: 'password', client_id: undefined }),
    gets: [400, 'unsupported_grant_type', 70003, /'password'/],
  },
  {
    what: 'no client_id',
    send: () => bySecret({ client_id: undefined }),
    gets: [400, 'invalid_request', 900144, /'client_id'/],
  },
  {
    what: 'no client_id, and an assertion that names nobody',
    send: () => byAssertion('x', { client_id: undefined }),
    gets: [400, 'invalid_request', 900144, /'client_id'/],
  },
  {
    what: 'an unknown application',
    send: () =>
      bySecret({ client_id: '00000000-0000-4000-8000-000000000000', client_secret: 'wrong', scope: 'x' }),
    gets: [400, 'unauthorized_client', 700016, /00000000-0000-4000/],
  },
  {
    what: 'a client_id that is no GUID',
    send: () => bySecret({ client_id: '"><b>', client_secret: 'wrong' }),
    gets: [400, 'unauthorized_client', 700016, /identifier '\?><b>'/],
  },
  {
    what: 'a disabled application',
    send: () => bySecret({ client_id: disabled.clientId, client_secret: 'wrong', scope: 'x' }),
    gets: [400, 'unauthorized_client', 7000112],
  },
  {
    what: 'no credential',
    send: () => bySecret({ client_secret: undefined, scope: 'x' }),
    gets: [401, 'invalid_client', 7000218],
  },
  {
    what: 'two credentials',
    send: () => byAssertion(signed(certificate, claimsOf(server, app)), { client_secret: secret }),
    gets: [400, 'invalid_request', 9002313, /more than one/],
  },
  {
    what: 'a wrong secret',
    send: () => bySecret({ client_secret: `${secret}x`, scope: 'x' }),
    gets: [401, 'invalid_client', 7000215],
  },
  {
    what: 'a secret of another application',
    send: () => bySecret({ client_id: resource.clientId }),
    gets: [401, 'invalid_client', 7000215],
  },
  {
    what: 'an expired secret',
    send: () => bySecret({ client_secret: expired, scope: 'x' }),
    gets: [401, 'invalid_client', 7000222],
  },
  { what: 'what is no JWT', send: () => byAssertion('x.y.z'), gets: [401, 'invalid_client', 50027] },
  {
    what: 'an assertion of another type',
    send: () => byAssertion(signed(certificate, claimsOf(server, app)), { client_assertion_type: 'urn:x' }),
    gets: [401, 'invalid_client', 50027],
  },
  {
    what: 'no algorithm',
    send: () => byAssertion(signed(certificate, claimsOf(server, app), { alg: 'none' })),
    gets: [401, 'invalid_client', 50027, /none/],
  },
  {
    what: 'no identifier of a key',
    send: () => byAssertion(signed(certificate, claimsOf(server, app), { x5t: undefined })),
    gets: [401, 'invalid_client', 50027, /No certificate thumbprint specified in token header/],
  },
  {
    what: 'a certificate that is not registered',
    send: () => byAssertion(signed(stranger, claimsOf(server, app, { exp: 1 }))),
    gets: [401, 'invalid_client', 700027, /The key was not found/],
  },
  {
    what: 'the thumbprint of one certificate, signed by another',
    send: () =>
      byAssertion(signed(certificate, claimsOf(server, app, { exp: 1 }), {}, stranger.pair.privateKey)),
    gets: [401, 'invalid_client', 700027, /use of the key to verify the signature failed/],
  },
  {
    what: 'a certificate that has ended',
    send: () => byAssertion(signed(over, claimsOf(server, app, { exp: 1 }))),
    gets: [401, 'invalid_client', 700027, /The key used is expired/],
  },
  {
    what: 'a certificate that has not begun',
    send: () => byAssertion(signed(early, claimsOf(server, app))),
    gets: [401, 'invalid_client', 700027, /not valid yet/],
  },
  {
    what: 'a sub that is not iss',
    send: () => byAssertion(signed(certificate, claimsOf(server, app, { sub: 'x', aud: 'x' }))),
    gets: [401, 'invalid_client', 50048],
  },
  {
    what: 'an assertion of another application',
    send: () => byAssertion(signed(certificate, claimsOf(server, resource, { aud: 'x' }))),
    gets: [401, 'invalid_client', 700021],
  },
  {
    what: 'an audience that is not ours',
    send: () =>
      byAssertion(
        signed(
          certificate,
          claimsOf(server, app, { aud: 'https://login.microsoftonline.com/x/oauth2/v2.0/token', exp: 1 }),
        ),
      ),
    gets: [401, 'invalid_client', 700023],
  },
  {
    what: 'an assertion that is over',
    send: () =>
      byAssertion(signed(certificate, claimsOf(server, app, { exp: seconds() - 100 })), { scope: undefined }),
    gets: [
      401,
      'invalid_client',
      700024,
      /Current time: \d{4}-\d\d-\d\dT[\d:]{8}\.\d{7}Z, assertion valid from .*it expired 1\d\d s ago/,
    ],
  },
  {
    what: 'an assertion from the future',
    send: () => byAssertion(signed(certificate, claimsOf(server, app, { nbf: seconds() + 100 }))),
    gets: [401, 'invalid_client', 700024, /in the future/],
  },
  {
    what: 'an assertion for more than an hour',
    send: () => byAssertion(signed(certificate, claimsOf(server, app, { exp: seconds() + 3700 }))),
    gets: [401, 'invalid_client', 700024, /longer than the 3600 allowed/],
  },
  {
    what: 'an assertion without jti',
    send: () => byAssertion(signed(certificate, claimsOf(server, app, { jti: undefined }))),
    gets: [401, 'invalid_client', 50027, /jti/],
  },
  {
    what: 'no scope',
    send: () => bySecret({ scope: undefined }),
    gets: [400, 'invalid_request', 900144, /'scope'/],
  },
  {
    what: 'a scope without .default',
    send: () => bySecret({ scope: `${resource.clientId}/Use` }),
    gets: [400, 'invalid_scope', 1002012],
  },
  {
    what: '.default alone',
    send: () => bySecret({ scope: '/.default' }),
    gets: [400, 'invalid_scope', 1002012],
  },
  {
    what: 'a second scope',
    send: () => bySecret({ scope: `${scope()} Use` }),
    gets: [400, 'invalid_scope', 1002012],
  },
  {
    what: 'only scopes of people who log in',
    send: () => bySecret({ scope: 'openid profile offline_access' }),
    gets: [400, 'invalid_scope', 1002012],
  },
  { what: 'a blank scope', send: () => bySecret({ scope: ' ' }), gets: [400, 'invalid_scope', 1002012] },
  {
    what: 'two resources',
    send: () => bySecret({ scope: `${scope()} api://resource/.default` }),
    gets: [400, 'invalid_scope', 700022],
  },
  {
    what: 'a resource that is not there',
    send: () => bySecret({ scope: 'api://nowhere/.default' }),
    gets: [400, 'invalid_resource', 500011, /api:\/\/nowhere/],
  },
  {
    what: 'a resource by its name',
    send: () => bySecret({ scope: `${resource.name}/.default` }),
    gets: [400, 'invalid_resource', 500011],
  },
  {
    what: 'a resource that is disabled',
    send: () => bySecret({ scope: `${gone.clientId}/.default` }),
    gets: [400, 'invalid_resource', 50001],
  },
  {
    what: 'a resource that wants an assignment',
    send: () => bySecret({ scope: `${assigned.clientId}/.default` }),
    gets: [400, 'invalid_grant', 501051],
  },
]

for (const { what, send, gets } of rows)
  test(`${what}: AADSTS${gets[2]}`, async () => {
    const answer = await ask(server, send())
    assertNumber(answer, ...gets)
    if (gets[0] === 401) assert.match(String(answer.headers['www-authenticate']), /^Basic /)
  })

test('the right request gets a token, whichever credential it has', async () => {
  tokenOf(await ask(server, bySecret()))
  tokenOf(await ask(server, byAssertion(signed(certificate, claimsOf(server, app)))))
})

test('the record of a refusal has the checks in this order, and says which one failed', async () => {
  const record = await decisionOf(
    { server },
    await ask(server, bySecret({ scope: 'api://nowhere/.default' })),
  )
  assert.deepEqual(
    record.checks.map(({ name, outcome }) => `${name}: ${outcome}`),
    [
      'request form: passed',
      'tenant: passed',
      'grant type: passed',
      'client id: passed',
      'client exists: passed',
      'client enabled: passed',
      'client authentication method: passed',
      'client credential: passed',
      'scope: passed',
      'resource: failed',
      'assignment: not reached',
    ],
  )
  assert.equal(record.credentialId, app.id)
})

test('method and form are looked at first, the tenant next', async () => {
  const path = `/${server.tenant.guid}/oauth2/v2.0/token`
  const get = await server.call(path)
  assertNumber(get, 405, 'invalid_request', 900561, /Received a GET request/)
  assert.equal(get.headers.allow, 'POST')
  const json = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }
  assertNumber(await server.call('/nowhere/oauth2/v2.0/token', json), 400, 'invalid_request', 9002313)
  assertNumber(
    await ask(server, bySecret({ grant_type: 'x' }), { path: '/nowhere/oauth2/v2.0/token' }),
    404,
    'invalid_request',
    90002,
    /Tenant 'nowhere' not found/,
  )
})

test('a parameter that is repeated, or a secret in the query, is refused', async () => {
  const query = '?client_secret=x'
  assertNumber(await ask(server, bySecret(), { query }), 400, 'invalid_request', 9002313)
  const body = `grant_type=client_credentials&scope=a&scope=b&client_id=${app.clientId}`
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const path = `/${server.tenant.guid}/oauth2/v2.0/token`
  const twice = await server.call(path, { method: 'POST', body, headers: form })
  assertNumber(twice, 400, 'invalid_request', 9002313, /scope is repeated/)
})

test('HTTP Basic of another client than client_id, and other schemes, are refused', async () => {
  const other = { Authorization: basic({ clientid: resource.clientId, clientsecret: secret }) }
  assertNumber(
    await ask(server, { client_id: app.clientId }, { headers: other }),
    400,
    'invalid_request',
    9002313,
  )
  const bearer = { Authorization: 'Bearer x' }
  assertNumber(
    await ask(server, bySecret({ client_secret: undefined }), { headers: bearer }),
    401,
    'invalid_client',
    7000218,
  )
  assertNumber(await ask(server, bySecret(), { headers: bearer }), 400, 'invalid_request', 9002313)
})

test('the older endpoint asks for resource instead of scope', async () => {
  const path = `/${server.tenant.guid}/oauth2/token`
  assertNumber(await ask(server, bySecret(), { path }), 400, 'invalid_request', 900144, /'resource'/)
  const resourceOf = (name: string) => ask(server, bySecret({ resource: name }), { path })
  assertNumber(await resourceOf('api://nowhere'), 400, 'invalid_resource', 500011)
  tokenOf(await resourceOf('api://resource'))
})

test('more wrong secrets than twenty a minute are told to wait, and the right one is not', async () => {
  const own = await newApp(server)
  const right = await secretOf(server, own)
  const send = (client_secret: string) =>
    ask(server, { client_id: own.clientId, client_secret, scope: scope() })
  for (let i = 0; i < 20; i++) assertNumber(await send('wrong'), 401, 'invalid_client', 7000215)
  const answer = await send('wrong')
  assertNumber(answer, 429, 'temporarily_unavailable', 90055)
  assert.match(String(answer.headers['retry-after']), /^\d{1,2}$/)
  tokenOf(await send(right))
})

test('what error_uri names explains each number', async () => {
  for (const number of Object.keys(entraErrors)) {
    const answer = await server.call(`/error?code=${number}`)
    assert.equal(answer.status, 200)
    assert.equal(answer.json().code, `AADSTS${number}`)
  }
  assert.equal((await server.call('/error?code=1')).status, 404)
  assert.equal((await server.call('/error?code=constructor')).status, 404)
})
