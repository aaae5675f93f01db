import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { mostMaterial } from '../../../src/core/material/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { createTenant, deleteTenant } from '../../../src/core/tenants/index.ts'
import { someMaterial } from '../../contracts/keystore.ts'
import { newRoot } from '../../support/senders.ts'
import { orThrow } from '../../support/server.ts'
import { adminWith, allRoles, bytesOf, type Json, startAdminWorld, told } from './world.ts'

const { directory, server, services, admin, close } = await startAdminWorld()
after(close)

interface Material {
  name: string
  type: string
  content: Json
  createdAt: string
  updatedAt: string
}

const create = (name: string, type: string, content: unknown, more = {}) =>
  admin.call('POST', '/material', { name, type, content, ...more })
const list = async () => (await admin.call('GET', '/material')).json<{ material: Material[] }>().material
const find = (name: string) => services.materials.find(server.tenant.id, name)
const opened = async (name: string) => orThrow(await find(name))

const secret = 'a secret that nobody sees'
const oauth = {
  description: 'Orders of the ERP',
  tokenServiceUrl: 'https://login.example/oauth/token?tenant=acme',
  grantType: 'url',
  clientId: 'erp',
  clientSecret: secret,
  clientAuthentication: 'header',
  scope: 'orders.read orders.write',
  contentType: 'application/json',
  resource: 'https://api.example',
  audience: 'api',
  customParameters: [
    { key: 'tenant', value: 'acme', sendAsPartOf: 'body' },
    { key: 'X-Api-Key', value: `${secret} either`, sendAsPartOf: 'header' },
    { key: 'tenant', value: 'acme', sendAsPartOf: 'url' },
  ],
}
const minimal = { tokenServiceUrl: 'https://login.example/token', clientId: 'c', clientSecret: 's' }
await admin.call('POST', '/keystore', { alias: 'erp-pair', keyLength: 256 })
await admin.call('POST', '/keystore/import', { alias: 'root', file: newRoot('root').pem })

test('each type is kept whole for whoever calls with it, and shown without what is secret', async () => {
  for (const [name, type, content, shown] of [
    [
      'ERP',
      'oauth2-client-credentials',
      oauth,
      {
        ...oauth,
        clientSecret: undefined,
        customParameters: oauth.customParameters.map(({ key, sendAsPartOf }) => ({ key, sendAsPartOf })),
      },
    ],
    [
      'person',
      'user',
      { description: 'd', user: 'me', password: secret, companyId: 'ACME' },
      { description: 'd', user: 'me', companyId: 'ACME' },
    ],
    ['parameter', 'secure-parameter', { secureParam: `${secret}\nin lines` }, {}],
  ] as const) {
    const answer = await create(name, type, content)
    assert.equal(answer.status, 201, answer.text)
    const { content: told, ...rest } = answer.json<Material>()
    assert.deepEqual([rest.name, rest.type], [name, type])
    assert.deepEqual(told, JSON.parse(JSON.stringify(shown)))
    const kept = await opened(name.toUpperCase())
    assert.deepEqual([kept.type, { ...kept.content }], [type, content])
    assert.deepEqual((await list()).find(one => one.name === name)?.content, told)
  }
  assert.equal(await opened('erp'), await opened('ERP'), 'kept in memory')
  const missing = await find('nobody')
  assert.ok(isProblem(missing) && missing.code === 'not_found')
  await create('by default', 'oauth2-client-credentials', minimal)
  assert.deepEqual(
    { ...(await opened('by default')).content },
    { ...minimal, grantType: 'body', customParameters: [] },
  )
})

test('members are read in the spellings of the described systems', async () => {
  const answer = await create('spelled', 'oauth2-client-credentials', {
    TokenServiceUrl: 'https://login.example/token',
    client_id: 'c',
    'Client Secret': 's',
    CustomParameters: [{ Key: 'k', Value: 'v', SendAsPartOf: 'url' }],
  })
  assert.equal(answer.status, 201, answer.text)
  assert.deepEqual(
    { ...(await opened('spelled')).content },
    { ...minimal, grantType: 'body', customParameters: [{ key: 'k', value: 'v', sendAsPartOf: 'url' }] },
  )
  assert.equal((await create('spelled too', 'secure-parameter', { SecureParam: 'x' })).status, 201)
  const twice = await create('twice', 'user', { user: 'a', User: 'b', password: 'p' })
  assert.match(told(twice), /user is there twice/)
})

test('what a type does not take is refused, all at once, and nothing of it is repeated', async () => {
  const many = Array.from({ length: 21 }, (_, i) => ({ key: `k${i}`, value: 'v', sendAsPartOf: 'body' }))
  const parameter = (key: string, sendAsPartOf = 'body', value = 'v') => ({
    ...minimal,
    customParameters: [{ key, value, sendAsPartOf }],
  })
  const oauthRefusals: [Json, RegExp][] = [
    [{}, /tokenServiceUrl: is missing.*clientId: is missing/],
    [{ ...minimal, clientSecret: undefined }, /write clientSecret or keystoreAlias, one of the two/],
    [{ ...minimal, keystoreAlias: 'erp-pair' }, /write clientSecret or keystoreAlias, one of the two/],
    [
      { ...minimal, clientSecret: undefined, keystoreAlias: 'erp-pair', clientAuthentication: 'body' },
      /leave it away beside keystoreAlias/,
    ],
    [{ ...minimal, tokenServiceUrl: 'http://login.example/' }, /tokenServiceUrl: write an https address/],
    [{ ...minimal, tokenServiceUrl: 'login.example' }, /write an https address/],
    [
      { ...minimal, tokenServiceUrl: `https://me:${secret}@a.example/` },
      /without user, password and fragment/,
    ],
    [{ ...minimal, grantType: 'header' }, /grantType: write body or url/],
    [{ ...minimal, clientAuthentication: 'json' }, /clientAuthentication: write body or header/],
    [{ ...minimal, contentType: 'json' }, /contentType: write a media type/],
    [{ ...minimal, scope: 'a\nb' }, /scope: write 1 to 4096 printable characters/],
    [{ ...minimal, clientSecret: `${secret}\n` }, /clientSecret: write it without line breaks/],
    [{ ...minimal, clientSecret: 'x'.repeat(4097) }, /clientSecret: has 4097 characters, the limit is 4096/],
    [{ ...minimal, scop: 'x' }, /scop is no known member, the nearest is scope/],
    [{ ...minimal, customParameters: many }, /customParameters: has too many entries, write at most 20/],
    [{ ...minimal, customParameters: [many[0], many[0]] }, /customParameters\[1\]: is there already/],
    [parameter('client_id'), /customParameters\[0\]\.key: client_id is sent already/],
    [parameter('Grant_Type', 'url'), /grant_type is sent already/],
    [parameter('Authorization', 'header'), /authorization is no header to set here/],
    [parameter('X Y', 'header'), /is no name of a header/],
    [parameter('X', 'header', 'a\r\nB: c'), /value: write 1 to 1024 printable characters/],
    [parameter(' '), /key: write 1 to 1024 printable/],
    [parameter('k', 'body', ''), /value: write 1 to 1024 printable/],
    [parameter('k', 'body', 'v'.repeat(1025)), /value: write 1 to 1024 printable/],
    [parameter('k', 'cookie'), /sendAsPartOf: write body or header or url/],
  ]
  const refusals: [string, Json, RegExp][] = [
    ...oauthRefusals.map(([content, words]): [string, Json, RegExp] => [
      'oauth2-client-credentials',
      content,
      words,
    ]),
    ['user', { user: 'a:b', password: 'p' }, /user: write 1 to 255 printable characters without a colon/],
    ['user', { user: 'a', password: 'p'.repeat(256) }, /password: has 256 characters, the limit is 255/],
    ['user', { user: 'a' }, /password: is missing/],
    ['user', { user: 'a', password: 1234 }, /password: write the password \(in quotes/],
    ['secure-parameter', { secureParam: '' }, /secureParam: has 0 characters/],
    ['secure-parameter', { secureParam: 'x', description: ' ' }, /description: write 1 to 1024/],
    [
      'oauth2-client-credential',
      minimal,
      /no type oauth2-client-credential .*Did you mean oauth2-client-credentials/,
    ],
    ['x', {}, /The types are oauth2-client-credentials, user, secure-parameter/],
  ]
  for (const [type, content, words] of refusals) {
    const answer = await create('refused', type, content)
    assert.equal(answer.status, 400, answer.text)
    assert.match(told(answer), words)
    assert.ok(!answer.text.includes(secret))
  }
  for (const name of ['', ' a', 'a/b', 'a\\b', '..', 'a\nb', 'x'.repeat(151)])
    assert.match(told(await create(name, 'user', { user: 'u', password: 'p' })), /has 1 to 150 printable/)
  assert.ok(isProblem(await find('refused')))
})

test('a key pair of the keystore stands in for a secret: it must be there, and stays as long as it is named', async () => {
  const { clientSecret: _, ...rest } = minimal
  const content = { ...rest, keystoreAlias: 'ERP-Pair' }
  assert.match(
    told(await create('mtls', 'oauth2-client-credentials', { ...content, keystoreAlias: 'nobody' })),
    /keystoreAlias: the keystore has no entry nobody/,
  )
  assert.match(
    told(await create('mtls', 'oauth2-client-credentials', { ...content, keystoreAlias: 'root' })),
    /keystoreAlias: keystore entry root has no private key/,
  )
  const answer = await create('mtls', 'oauth2-client-credentials', content)
  assert.equal(answer.json<Material>().content.keystoreAlias, 'erp-pair', answer.text)
  const aliasOf = async (name: string) => {
    const { type, content: kept } = await opened(name)
    return type === 'oauth2-client-credentials' ? kept.keystoreAlias : undefined
  }
  assert.equal(await aliasOf('mtls'), 'erp-pair')
  const refused = await admin.call('DELETE', '/keystore/erp-pair')
  assert.equal(refused.status, 409)
  assert.match(told(refused), /keystore entry erp-pair is used by security material mtls.*--replace/)
  await admin.call('PATCH', '/keystore/erp-pair', { alias: 'renamed' })
  assert.equal(await aliasOf('mtls'), 'renamed')
  assert.equal((await list()).find(({ name }) => name === 'mtls')?.content.keystoreAlias, 'renamed')
  await create('mtls', 'oauth2-client-credentials', minimal, { replace: true })
  assert.equal(await aliasOf('mtls'), undefined)
  assert.equal((await admin.call('DELETE', '/keystore/renamed')).status, 204)
})

test('another takes the place of one of the same name and type, when that is said', async () => {
  const content = { user: 'u', password: 'one' }
  const { createdAt } = (await create('rotated', 'user', content)).json<Material>()
  const before = await opened('rotated')
  const taken = await create('Rotated', 'user', content)
  assert.equal(taken.status, 409)
  assert.match(told(taken), /there is security material rotated already.*--replace/)
  server.advance(5000)
  const replaced = await create('ROTATED', 'user', { user: 'u', password: 'two' }, { replace: true })
  assert.deepEqual(
    [replaced.json<Material>().name, replaced.json<Material>().createdAt],
    ['rotated', createdAt],
  )
  const after = await opened('rotated')
  assert.notEqual(after, before)
  assert.deepEqual({ ...after.content }, { user: 'u', password: 'two' })
  const other = await create('rotated', 'secure-parameter', { secureParam: 'x' }, { replace: true })
  assert.match(told(other), /security material rotated is of type user, not secure-parameter/)
  assert.equal((await create('nothing', 'user', content, { replace: true })).status, 404)
  assert.equal((await admin.call('DELETE', '/material/Rotated')).status, 204)
  assert.ok(isProblem(await find('rotated')))
  const again = await admin.call('DELETE', '/material/rotated')
  assert.equal(again.status, 404)
  assert.match(told(again), /there is no security material rotated.*material list/)
})

test('material is that of one tenant, and goes with it', async () => {
  const acme = orThrow(await createTenant({ name: 'acme' }, services))
  const roles = allRoles.filter(role => role !== 'TenantsEdit')
  const token = await server.token(await server.sender({ plan: 'api', tenant: acme, parameters: { roles } }))
  const theirs = adminWith(server, token, '/tenants/acme')
  await create('shared', 'user', { user: 'ours', password: 'p' })
  assert.equal((await theirs.call('DELETE', '/material/shared')).status, 404)
  assert.deepEqual((await theirs.call('GET', '/material')).json(), { material: [] })
  const content = { ...minimal, clientSecret: undefined, keystoreAlias: 'root' }
  await theirs.call('POST', '/keystore', { alias: 'root', keyLength: 256 })
  const made = await theirs.call('POST', '/material', {
    name: 'shared',
    type: 'oauth2-client-credentials',
    content,
  })
  assert.equal(made.status, 201, made.text)
  // A row that is copied opens nowhere else.
  const row = (await services.store.read.material.find(acme.id, 'shared'))!
  const moved = someMaterial(server.tenant, { name: 'moved', type: row.type, sealed: row.sealed })
  await services.store.write(({ material }) => material.insert(moved))
  await assert.rejects(async () => find('moved'), /sealed value does not open/)
  await services.store.write(({ material }) => material.delete(moved))
  orThrow(await deleteTenant('acme', services))
  assert.ok(isProblem(await services.materials.find(acme.id, 'shared')))
})

test('a tenant holds 1000; the next is refused and the limit named', async () => {
  assert.equal(mostMaterial, 1000)
  const limited = orThrow(await createTenant({ name: 'limited' }, services))
  await services.store.write(async ({ material }) => {
    for (let i = 0; i < 1000; i++) await material.insert(someMaterial(limited))
  })
  const operator = adminWith(server, await server.adminToken(...allRoles), '/tenants/limited')
  const body = { name: 'one more', type: 'user', content: { user: 'u', password: 'p' } }
  const answer = await operator.call('POST', '/material', body)
  assert.equal(answer.status, 409)
  assert.match(told(answer), /security material of a tenant: the limit is 1000/)
})

test('what is secret is in no answer, no line of the log and no file of the store', async () => {
  await create('hidden', 'oauth2-client-credentials', oauth)
  const line = server.log.findLast(({ message }) => message === 'admin operation done')!.fields
  assert.deepEqual([line.operation, line.name], ['POST /material', 'hidden'])
  const { clientId, tokenServiceUrl, type } = line.set as Json
  assert.deepEqual(
    [type, clientId, tokenServiceUrl],
    ['oauth2-client-credentials', 'erp', 'https://login.example/oauth/token'],
  )
  const answer = (await admin.call('GET', '/material')).text
  await services.journal.flush()
  const log = JSON.stringify(server.log)
  const files = bytesOf(directory)
  assert.ok(answer.includes('hidden') && files.includes('hidden'), 'the right places are searched')
  for (const form of [
    secret,
    Buffer.from(secret).toString('base64').slice(0, -4),
    Buffer.from(secret).toString('hex'),
  ])
    for (const place of [answer, log, files]) assert.ok(!place.includes(form))
})
