import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type OidcProvider, startOidcProvider } from '../../support/oidc-provider.ts'
import { type ScimServer, type ScimServerOptions, startScimServer } from '../../support/scim-server.ts'
import { opensslCertificates } from '../../support/token-server.ts'
import { counts, startWorld, type World } from './world.ts'

// The described page: an outbound certificate, a token server that knows it, and the system itself.
let world: World
let hr: ScimServer
let provider: OidcProvider
/** PEM of the root of our outbound certificates. */
let root: string
const pki = opensslCertificates()
const started: ScimServer[] = []

async function scimServer(options: ScimServerOptions): Promise<ScimServer> {
  const server = await startScimServer(undefined, options)
  started.push(server)
  return server
}

async function certificateOf(system: string): Promise<{ fingerprint: string; chain: string }> {
  await world.api('POST', `/provisioning/systems/${system}/certificates`)
  return (await world.api('GET', `/provisioning/systems/${system}/certificates/newest`)).json()
}

before(async () => {
  world = await startWorld(undefined)
  await world.system('placeholder', 'scim', 'target')
  const { chain } = await certificateOf('placeholder')
  root = chain.slice(chain.lastIndexOf('-----BEGIN'))
  hr = await scimServer({})
  await hr.preload({ users: 3 })
  await world.scim('hr', 'source', hr)
  await world.api('POST', '/keystore/import', { alias: 'ca-of-tokens', file: pki.ca })
  provider = await startOidcProvider({
    tls: { cert: pki.serverCert, key: pki.serverKey },
    clientRoot: root,
    certificateSubject: 'O=default\nOU=provisioning\nCN=cloud',
    jwks: { keys: [] },
  })
})
after(async () => {
  await world.server.close()
  await provider.stop()
  await Promise.all(started.map(server => server.stop()))
})

test('a certificate gets a token where OAuth2TokenServiceURL is set, and the system is called with both', async () => {
  const cloud = await scimServer({ clientRoot: root, bearer: true })
  await world.scim('cloud', 'target', cloud, {
    Authentication: 'ClientCertificateAuthentication',
    OAuth2TokenServiceURL: `${provider.issuer}/token`,
    OAuth2TokenScope: 'orders.read',
    client_id: 'holder',
  })
  await world.set('hr', { targets: 'cloud' })
  const without = await world.run('hr')
  assert.match(
    without.failed[0]!.message,
    /the system has no certificate\. Make one: countersign provisioning certificate generate cloud/,
  )

  await certificateOf('cloud')
  const job = await world.run('hr')
  assert.equal(job.status, 'Success', JSON.stringify(job))
  assert.deepEqual(counts(job, 'cloud'), { created: 3 })
  const requests = await cloud.requests()
  assert.ok(requests.every(({ certificate }) => certificate === 'cloud'))
  const tokens = new Set(requests.map(({ authorization }) => authorization))
  assert.equal(tokens.size, 1, 'one token is enough for a job')
  assert.match([...tokens][0]!, /^Bearer ey/)
})

test('what the token server says is in the log of the job, with its status', async () => {
  await world.set('cloud', { client_id: 'nobody' })
  await world.api('POST', '/provisioning/systems/hr/reset')
  const job = await world.run('hr')
  await world.set('cloud', { client_id: 'holder' })
  assert.deepEqual(counts(job, 'cloud'), { failed: 3 })
  assert.match(
    job.failed[0]!.message,
    /^OAuth request failed with status: 401 and body: \{"error":"invalid_client".*token for cloud from OAuth2TokenServiceURL/,
  )
})

test('a certificate is shown to the system itself where there is no token service', async () => {
  const direct = await scimServer({ clientRoot: root })
  await world.scim('direct', 'target', direct, { Authentication: 'ClientCertificateAuthentication' })
  await certificateOf('direct')
  await world.set('hr', { targets: 'direct' })
  assert.deepEqual(counts(await world.run('hr'), 'direct'), { created: 3 })
  assert.ok((await direct.requests()).every(one => one.certificate === 'direct' && !one.authorization))
})

test('the other certificate is shown from the moment at which it is activated', async () => {
  const direct = started.at(-1)!
  const before = await certificateOf('direct')
  const path = `/provisioning/systems/direct/certificates`
  const active = await world.api('POST', `${path}/${before.fingerprint}/activate`)
  assert.equal(active.status, 200, active.text)
  await direct.forget()
  await world.run('hr', 'resync')
  const { PUT } = await direct.counts()
  assert.equal(PUT, 3)
})

test('user and password are shown to the system, or get a token where OAuth2TokenServiceURL is set', async () => {
  const basic = await scimServer({ basic: { user: 'writer', password: 'Grünkohl:1' } })
  await world.scim('basic', 'target', basic, {
    Authentication: 'BasicAuthentication',
    User: 'writer',
    Password: 'Grünkohl:1',
  })
  await world.set('hr', { targets: 'basic' })
  assert.deepEqual(counts(await world.run('hr'), 'basic'), { created: 3 })

  const token = await scimServer({ bearer: true })
  await world.scim('by-token', 'target', token, {
    Authentication: 'BasicAuthentication',
    User: 'basic',
    Password: provider.secret,
    OAuth2TokenServiceURL: `${provider.issuer}/token`,
    OAuth2TokenScope: 'orders.read',
  })
  await world.set('hr', { targets: 'by-token' })
  const job = await world.run('hr')
  assert.deepEqual(counts(job, 'by-token'), { created: 3 }, JSON.stringify(job))
  assert.match((await token.requests())[0]!.authorization!, /^Bearer /)
})

test('headers of properties go with each call, but never in the place of the credentials', async () => {
  const open = await scimServer({ basic: { user: 'writer', password: 'secret-1' } })
  await world.scim('headers', 'target', open, {
    Authentication: 'BasicAuthentication',
    User: 'writer',
    Password: 'secret-1',
    'ips.http.header.apiKey': 'key-of-the-api',
    'ips.http.header.authorization': 'Bearer of-somebody',
  })
  await world.set('hr', { targets: 'headers' })
  assert.deepEqual(counts(await world.run('hr'), 'headers'), { created: 3 })
  const { headers } = (await open.requests())[0]!
  assert.equal(headers.apikey, 'key-of-the-api')
  assert.match(headers.authorization!, /^Basic /)
})

test('validate looks at properties, tokens, connections and some entities, and writes nothing', async () => {
  await world.set('hr', { targets: 'cloud,direct' })
  const job = await world.run('hr', 'validate')
  assert.equal(job.status, 'Success', JSON.stringify(job))
  assert.deepEqual(
    job.checks!.map(({ system, check, ok }) => [system, check, ok]),
    [
      ['hr', 'properties', true],
      ['hr', 'connection', true],
      ['cloud', 'properties', true],
      ['cloud', 'token', true],
      ['cloud', 'connection', true],
      ['direct', 'properties', true],
      ['direct', 'connection', true],
      ['hr', 'read users', true],
      ['hr', 'read groups', true],
    ],
  )
  assert.deepEqual(
    job.statistics.map(({ action }) => action),
    ['Read'],
  )
})

test('validate says what a target lacks, and then gets its token from another host than that of its API', async () => {
  const api = await scimServer({ bearer: true })
  await world.api('POST', '/keystore/import', { alias: 'ca-of-warehouse', file: api.ca })
  await world.system('warehouse', 'sap-procurement-data-warehouse', 'target', {
    URL: api.url.replace('localhost', '127.0.0.1'),
    Authentication: 'BasicAuthentication',
    User: 'basic',
    OAuth2TokenScope: 'orders.read',
  })
  const lacking = await world.run('warehouse', 'validate')
  assert.equal(lacking.status, 'Finished with Error')
  assert.deepEqual(lacking.checks?.[0], {
    system: 'warehouse',
    check: 'properties',
    ok: false,
    message: 'set Password, OAuth2TokenServiceURL',
  })
  await world.set('warehouse', { Password: 'wrong', OAuth2TokenServiceURL: `${provider.issuer}/token` })
  const refused = await world.run('warehouse', 'validate')
  assert.match(
    refused.checks?.[1]?.message ?? '',
    /^OAuth request failed with status: 401 and body: .*invalid_client/,
  )
  await world.set('warehouse', { Password: provider.secret })
  const job = await world.run('warehouse', 'validate')
  assert.equal(job.status, 'Success', JSON.stringify(job))
  // Its API need not be SCIM.
  const URL = `${api.url.replace('localhost', '127.0.0.1')}/of/analytics`
  await world.set('warehouse', { URL, Password: provider.secret })
  const other = await world.run('warehouse', 'validate')
  assert.deepEqual(
    other.checks!.map(({ check, ok }) => [check, ok]),
    [
      ['properties', true],
      ['token', true],
      ['connection', true],
    ],
    JSON.stringify(other.checks),
  )
})

test('every preset of SAP takes a certificate with a token service, and says what it lacks', async () => {
  const lacking: Record<string, string[]> = {
    'sap-build-work-zone-advanced': ['URL', 'Authentication', 'OAuth2TokenServiceURL'],
    'sap-cpq': ['URL', 'Authentication', 'OAuth2TokenServiceURL'],
    'sap-business-network': ['URL', 'Authentication'],
    'sap-procurement-data-warehouse': ['URL', 'Authentication', 'OAuth2TokenServiceURL'],
  }
  for (const [type, missing] of Object.entries(lacking)) {
    const made = await world.api('POST', '/provisioning/systems', {
      name: `of-${type}`,
      type,
      role: 'target',
    })
    assert.deepEqual(made.json().missing, missing, type)
    const set = await world.set(`of-${type}`, {
      URL: 'https://host.example/scim/v2',
      Authentication: 'ClientCertificateAuthentication',
      OAuth2TokenServiceURL: 'https://tokens.example/api/v2/auth/token',
      client_id: 'countersign',
    })
    assert.deepEqual(set.json().missing, [], type)
  }
})
