import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startWorld, type World } from './world.ts'

let world: World
before(async () => {
  world = await startWorld(undefined)
})
after(() => world.server.close())

const create = (body: object) => world.api('POST', '/provisioning/systems', body)

describe('properties', () => {
  before(async () => {
    await world.system('cloud', 'scim', 'target', { URL: 'https://cloud.example/scim/v2' })
    await world.system('hr', 'scim', 'source', { URL: 'https://hr.example/scim/v2' })
  })

  const refused: readonly [
    title: string,
    system: string,
    properties: Record<string, string>,
    words: RegExp,
  ][] = [
    [
      'a name in another case',
      'cloud',
      { authentication: 'NoAuthentication' },
      /authentication: is spelt Authentication: names are case-sensitive/,
    ],
    [
      'a value in another case',
      'cloud',
      { Authentication: 'noauthentication' },
      /Authentication: write one of NoAuthentication, BasicAuthentication, ClientCertificateAuthentication/,
    ],
    ['plain HTTP to another computer', 'cloud', { URL: 'http://cloud.example/scim' }, /URL: write https/],
    [
      'an address with a password',
      'cloud',
      { URL: 'https://user:pass@cloud.example/' },
      /URL: write no user and password into it/,
    ],
    [
      'an address that is none',
      'cloud',
      { OAuth2TokenServiceURL: 'cloud.example/token' },
      /OAuth2TokenServiceURL: write an address such as/,
    ],
    [
      'a threshold with separators',
      'cloud',
      { 'ips.delete.threshold.users': '1,000' },
      /write a whole number from 1 to/,
    ],
    [
      'a fourth retry',
      'cloud',
      { 'ips.failed.request.retry.attempts': '4' },
      /write a whole number from 0 to 3/,
    ],
    [
      'a minute and more between retries',
      'cloud',
      { 'ips.failed.request.retry.attempts.interval': '61' },
      /from 0 to 60/,
    ],
    [
      'a property of a target in a source',
      'hr',
      { 'ips.delete.threshold.users': '1' },
      /is of no effect in a source: it belongs into a target/,
    ],
    [
      'an ips property that nobody knows',
      'cloud',
      { 'ips.delete.treshold.users': '1' },
      /there is no such property, did you mean ips\.delete\.threshold\.users\?/,
    ],
    [
      'a header that the call sets',
      'cloud',
      { 'ips.http.header.Host': 'other.example' },
      /the call itself sets this header/,
    ],
    ['a header of two lines', 'cloud', { 'ips.http.header.X': 'a\r\nb' }, /one line of Latin letters/],
    ['a system that is not there', 'hr', { targets: 'clud' }, /targets: there is no system clud/],
    ['a target that is a source', 'hr', { targets: 'hr' }, /targets: hr is a source, not a target/],
    ['a target twice', 'hr', { targets: 'cloud,Cloud' }, /targets: Cloud is there twice/],
    ['an empty value', 'cloud', { User: '' }, /User: write a value, or take the property away/],
    ['a type that is not HTTP', 'cloud', { Type: 'LDAP' }, /Type: write one of HTTP/],
  ]
  for (const [title, system, properties, words] of refused)
    test(`are refused: ${title}`, async () => {
      const before = (await world.api('GET', `/provisioning/systems/${system}`)).json()
      const answer = await world.set(system, { ...properties, User: properties.User ?? 'not set' })
      assert.equal(answer.status, 400, answer.text)
      assert.match(answer.json<{ error_description: string }>().error_description ?? answer.text, words)
      const afterwards = (await world.api('GET', `/provisioning/systems/${system}`)).json()
      assert.deepEqual(afterwards, before, 'all are set, or none')
    })

  test('of one’s own are kept, for transformations', async () => {
    const answer = await world.set('cloud', { companyCode: '0100' })
    assert.equal(answer.json<{ properties: Record<string, string> }>().properties.companyCode, '0100')
  })
})

describe('credential properties', () => {
  const secret = 'S3cret-that-nobody-sees'
  before(async () => {
    await world.system('vault', 'scim', 'target', {
      URL: 'https://one.example/scim',
      Authentication: 'BasicAuthentication',
      User: 'writer',
      Password: secret,
      'ips.http.header.apiKey': secret,
      myClientSecret: secret,
    })
  })

  test('are named and never shown: not by the API, not in the log, not in the database', async () => {
    for (const path of ['', '/vault']) {
      const { text } = await world.api('GET', `/provisioning/systems${path}`)
      assert.doesNotMatch(text, new RegExp(secret))
    }
    const { credentials } = (await world.api('GET', '/provisioning/systems/vault')).json<{
      credentials: string[]
    }>()
    assert.deepEqual(credentials.sort(), ['Password', 'ips.http.header.apiKey', 'myClientSecret'])
    assert.doesNotMatch(JSON.stringify(world.server.log), new RegExp(secret))
    const stored = await world.server.server.services.store.read.systems.find(world.server.tenant.id, 'vault')
    assert.doesNotMatch(JSON.stringify(stored) + stored!.sealed.toString('latin1'), new RegExp(secret))
  })

  test('cannot be inserted by a transformation', async () => {
    const trial = {
      entityType: 'user',
      entity: { id: '1', userName: 'a' },
      transformation: { user: { mappings: [{ constant: '%Password%', targetPath: '$.note' }] } },
    }
    const answer = await world.api('POST', '/provisioning/systems/vault/transformations/write/dry-run', trial)
    assert.doesNotMatch(answer.text, new RegExp(secret))
  })

  for (const property of ['URL', 'OAuth2TokenServiceURL'])
    test(`are asked for again when ${property} changes`, async () => {
      const first = await world.set('vault', {
        [property]: 'https://one.example/scim',
        Password: secret,
        'ips.http.header.apiKey': secret,
        myClientSecret: secret,
      })
      assert.equal(first.status, 200, first.text)
      const moved = await world.set('vault', { [property]: 'https://elsewhere.example/' })
      assert.equal(moved.status, 400)
      assert.match(
        moved.text,
        /the address changes, so give Password and ips\.http\.header\.apiKey and myClientSecret again/,
      )
      const removed = await world.set('vault', { [property]: null })
      assert.equal(removed.status, 400, 'or else it could be taken away first and set after that')
      const given = await world.set('vault', {
        [property]: 'https://elsewhere.example/',
        Password: 'another',
        'ips.http.header.apiKey': null,
        myClientSecret: null,
      })
      assert.equal(given.status, 200, given.text)
    })
})

describe('systems', () => {
  const refused: readonly [title: string, body: object, status: number, words: RegExp][] = [
    [
      'a type that is not there',
      { name: 'x', type: 'scimm', role: 'source' },
      400,
      /there is no system type scimm.*Did you mean scim\?/s,
    ],
    [
      'a role that the type has not',
      { name: 'x', type: 'file', role: 'target' },
      400,
      /a system of type file is a source, not a target/,
    ],
    ['a name with a slash', { name: 'a/b', type: 'scim', role: 'source' }, 400, /the name of a system has/],
  ]
  for (const [title, body, status, words] of refused)
    test(`are refused: ${title}`, async () => {
      const answer = await create(body)
      assert.equal(answer.status, status)
      assert.match(answer.text, words)
    })

  test('have names of their own, whatever the case', async () => {
    await world.system('Once', 'scim', 'source')
    assert.equal((await create({ name: 'ONCE', type: 'scim', role: 'target' })).status, 409)
    assert.equal((await world.api('GET', '/provisioning/systems/once')).json().name, 'Once')
  })

  test('are 20 sources at most, as described', async () => {
    const { systems } = (await world.api('GET', '/provisioning/systems')).json<{
      systems: { role: string }[]
    }>()
    for (let at = systems.filter(({ role }) => role === 'source').length; at < 20; at++)
      await world.system(`source-${at}`, 'scim', 'source')
    const answer = await create({ name: 'one-more', type: 'scim', role: 'source' })
    assert.equal(answer.json().error, 'limit_reached')
  })

  test('that others write to are not deleted', async () => {
    await world.system('wanted', 'scim', 'target')
    await world.set('hr', { targets: 'wanted' })
    const answer = await world.api('DELETE', '/provisioning/systems/wanted')
    assert.equal(answer.status, 409)
    assert.match(answer.text, /hr writes to wanted/)
    await world.set('hr', { targets: null })
    assert.equal((await world.api('DELETE', '/provisioning/systems/wanted')).status, 204)
  })

  test('without targets have no jobs; targets have none but to be validated', async () => {
    const start = (name: string, type: string) =>
      world.api('POST', `/provisioning/systems/${name}/jobs`, { type })
    assert.match((await start('hr', 'read')).text, /source hr has no targets/)
    assert.match((await start('cloud', 'read')).text, /cloud is a target: jobs are those of a source/)
    assert.equal((await start('hr', 'everything')).status, 400)
  })

  test('are those of their tenant', async () => {
    const operator = await world.server.adminToken('TenantsEdit')
    await world.server.call('/admin/v1/tenants', {
      method: 'POST',
      headers: { Authorization: `Bearer ${operator}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'others' }),
    })
    const others = world.server.server.services.tenants.byName('others')!
    const key = await world.server.sender({
      plan: 'api',
      parameters: { roles: ['SecurityMaterialEdit'] },
      tenant: others,
    })
    const token = await world.server.token(key)
    const answer = await world.server.call('/tenants/others/admin/v1/provisioning/systems', {
      headers: { Authorization: `Bearer ${token}` },
    })
    assert.deepEqual(answer.json(), { systems: [] })
  })

  test('are changed by those who may edit security material alone', async () => {
    for (const role of [
      'MonitoringDataRead',
      'CredentialsRead',
      'WorkspaceArtifactsDeploy',
      'CredentialsEdit',
    ]) {
      const token = await world.server.adminToken(role)
      const answer = await world.server.call('/admin/v1/provisioning/systems/hr', {
        method: 'PATCH',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ properties: { User: 'x' } }),
      })
      assert.equal(answer.status, 403, role)
    }
  })
})

describe('a transformation', () => {
  test('that is malformed is refused with its place', async () => {
    const answer = await world.api('PUT', '/provisioning/systems/hr/transformations/read', {
      user: {
        mappings: [{ sourcePath: '$.a', targetPath: '$.b', functions: [{ function: 'concatSting' }] }],
      },
    })
    assert.equal(answer.status, 400)
    assert.match(answer.text, /user\.mappings\[0\]\.functions\[0\].*concatString/)
  })

  test('is put through a dry run that shows what would change', async () => {
    const answer = await world.api('POST', '/provisioning/systems/hr/transformations/read/dry-run', {
      entityType: 'user',
      entity: { id: '7', userName: 'ada', meta: { created: 'then' } },
    })
    assert.deepEqual(answer.json(), {
      outcome: 'mapped',
      document: { userName: 'ada' },
      variables: { entityIdSourceSystem: '7' },
      differences: [
        { path: '$.id', before: '"7"' },
        { path: '$.meta', before: '{"created":"then"}' },
      ],
    })
  })

  test('of writing is none of a source', async () => {
    const answer = await world.api('PUT', '/provisioning/systems/hr/transformations/write', {})
    assert.equal(answer.status, 400)
  })
})
