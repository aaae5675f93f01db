import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { adminWith, bytesOf, type Json, told } from '../admin/world.ts'
import { type NeoWorld, otherNode, role, startNeoWorld } from './world.ts'

let world: NeoWorld
before(async () => {
  world = await startNeoWorld()
})
after(() => world.close())

const register = (body: Json) => world.admin.call('POST', '/clients', body)
const remove = (id: string) => world.admin.call('DELETE', `/clients/${encodeURIComponent(id)}`)
const one = async (id: string) => (await world.admin.call('GET', `/clients/${id}`)).json()
const chosen = 'a secret that the sender chose'

describe('registering', () => {
  test('tells all that the sender and the operator need, and a secret that was made once', async () => {
    const made = await register({ clientid: 'first', description: 'the ERP system' })
    assert.equal(made.status, 201)
    const { clientsecret, createdAt, createdate, updatedAt, ...rest } = made.json()
    assert.match(String(clientsecret), /^csec_[A-Za-z0-9_-]{43}$/)
    assert.equal(createdate, createdAt)
    assert.equal(updatedAt, createdAt)
    const shown = {
      clientid: 'first',
      description: 'the ERP system',
      user: 'oauth_client_first',
      subscription: 'default.iflmap',
      roles: [],
      tokenLifetime: 3600,
      secret: 'generated',
      disabled: false,
      tokenurl: `${world.server.url}/oauth2/api/v1/token`,
      url: world.server.url,
      lastUsedAt: null,
    }
    assert.deepEqual(rest, shown)
    assert.deepEqual(await one('first'), { ...shown, createdAt, updatedAt })
    const { clients } = (await world.admin.call('GET', '/clients')).json<{ clients: Json[] }>()
    assert.ok(!JSON.stringify(clients).includes(String(clientsecret)))
  })

  test('takes ids as they are used elsewhere, and tells upper from lower case', async () => {
    const ids = [
      'a',
      'A',
      'ERP-1.prod_x',
      '2f6c5a1e-0b7d-4d3c-9e2f-0123456789ab',
      'two words',
      "it's!|(~)",
      'x'.repeat(128),
    ]
    for (const clientid of ids) {
      const client = await world.register({ clientid })
      assert.equal((await world.ask(client)).status, 200, clientid)
      assert.equal((await remove(clientid)).status, 204, clientid)
    }
  })

  test('refuses ids that HTTP Basic, headers or addresses would read otherwise', async () => {
    const ids = [
      '',
      ' a',
      'a ',
      'a:b',
      'a/b',
      'a\\b',
      'a%41',
      'a+b',
      'a\n',
      'a\0',
      'ä',
      '.',
      '..',
      'x'.repeat(129),
      'oauth_client_erp',
    ]
    for (const clientid of ids)
      assert.equal((await register({ clientid })).status, 400, JSON.stringify(clientid))
  })

  test('refuses an id that is taken, by a registered client or by a service key', async () => {
    await register({ clientid: 'taken' })
    assert.match(told(await register({ clientid: 'taken' })), /client taken exists already/)
    // Ids of service keys hold nothing that a chosen id may not.
    const key = await world.newKey('rival')
    const answer = await register({ clientid: key.clientid })
    assert.equal(answer.status, 409)
    assert.match(told(answer), /service key key of instance rival/)
  })

  test('takes subscriptions to nodes of type iflmap or hcioem alone', async () => {
    for (const subscription of ['default.iflmap', 'v0123iflmap', 'x.hcioem'])
      await world.register({ subscription })
    for (const subscription of ['', 'iflmap', 'default.tmn', 'default.IFLMAP', 'a b.iflmap', 'iflmap.x']) {
      const answer = await register({ clientid: 'node', subscription })
      assert.equal(answer.status, 400, subscription)
      assert.match(told(answer), /iflmap or hcioem/)
    }
  })

  test('takes chosen secrets of 16 characters and more', async () => {
    for (const secret of ['a'.repeat(16), '😀'.repeat(16), 'x'.repeat(256)]) await world.register({ secret })
    for (const secret of ['', 'x'.repeat(15), '😀'.repeat(15), 'x'.repeat(257), `${'x'.repeat(20)}\n`]) {
      const answer = await register({ clientid: 'secretive', secret })
      assert.equal(answer.status, 400, JSON.stringify(secret))
      assert.ok(secret === '' || !answer.text.includes(secret))
    }
    assert.equal((await register({ clientid: 'same-as-its-id-16', secret: 'same-as-its-id-16' })).status, 400)
  })

  test('at once and twice makes one', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => register({ clientid: 'racing' })))
    assert.deepEqual(answers.map(answer => answer.status).sort(), [201, ...Array(7).fill(409)])
  })
})

describe('changing', () => {
  test('what is not given stays; last use and roles are shown', async () => {
    const client = await world.sender({ description: 'x' })
    await world.token(client)
    await world.services.journal.flush()
    await world.change(client, { tokenLifetime: 60 })
    const shown = await one(client.clientid)
    assert.equal(shown.tokenLifetime, 60)
    assert.equal(shown.description, 'x')
    assert.deepEqual(shown.roles, [role])
    assert.ok(shown.lastUsedAt)
    assert.equal((await world.ask(client)).status, 200)
  })

  test('a new secret replaces the old one at once, whoever made them', async () => {
    const client = await world.register()
    for (const secret of [true, chosen, `${chosen} later`, true]) {
      const { clientsecret = secret } = (await world.change(client, { secret })).json()
      const renewed = { ...client, clientsecret: String(clientsecret) }
      assert.equal((await world.ask(renewed)).status, 200)
      assert.equal((await world.ask(client)).status, 401)
      Object.assign(client, renewed)
    }
  })

  test('a client that is disabled is refused with its tokens, and let in again', async () => {
    const client = await world.sender()
    const tokens = [await world.token(client), await world.token(client, 'jwt')]
    await world.change(client, { disabled: true })
    const refused = await world.ask(client)
    assert.equal(refused.status, 401)
    assert.match((await world.why(refused)).reason, /disabled/)
    assert.match((await world.why(refused)).hint!, /client enable/)
    for (const text of tokens) assert.equal(await world.send(text), 401)
    await world.change(client, { disabled: false })
    assert.equal((await world.ask(client)).status, 200)
    for (const text of tokens) assert.equal(await world.send(text), 200)
  })

  test('another subscription takes the tokens along', async () => {
    const client = await world.sender()
    await world.assign(client.user, { subscription: otherNode })
    const text = await world.token(client)
    await world.change(client, { subscription: otherNode })
    assert.equal(await world.send(text, 'elsewhere'), 200)
    assert.equal(await world.send(text, 'orders'), 403)
  })

  test('of a client that is not there is refused', async () => {
    for (const [method, path, body] of [
      ['GET', '/clients/nobody'],
      ['PATCH', '/clients/nobody', { tokenLifetime: 60 }],
      ['DELETE', '/clients/nobody'],
      ['POST', '/clients/nobody/token-revocation'],
    ] as const)
      assert.equal((await world.admin.call(method, path, body)).status, 404)
  })
})

describe('revoking', () => {
  const revoke = (id: string, body: Json = {}) =>
    world.admin.call('POST', `/clients/${id}/token-revocation`, body)

  test('one token, by showing it or by its id, leaves the others alone', async () => {
    const client = await world.sender()
    for (const format of [undefined, 'jwt'] as const) {
      const [shown, named, kept] = [
        await world.token(client, format),
        await world.token(client, format),
        await world.token(client, format),
      ]
      assert.equal((await revoke(client.clientid, { token: shown })).status, 204)
      const issued = world.server.log.filter(line => line.message === 'token issued')
      assert.equal((await revoke(client.clientid, { tokenId: issued.at(-2)!.fields.jti })).status, 204)
      assert.deepEqual(
        [await world.send(shown!), await world.send(named!), await world.send(kept!)],
        [401, 401, 200],
      )
    }
  })

  test('all at once, and the next one is good', async () => {
    const client = await world.sender()
    const tokens = [await world.token(client), await world.token(client, 'jwt')]
    assert.equal((await revoke(client.clientid)).status, 204)
    for (const text of tokens) assert.equal(await world.send(text), 401)
    assert.equal(await world.send(await world.token(client)), 200)
  })

  test('what is no token of this client, or two ways at once, is refused', async () => {
    const [client, other] = [await world.sender(), await world.sender()]
    const theirs = await world.token(other)
    for (const token of ['x', '', theirs, 'a.b.c'])
      assert.equal((await revoke(client.clientid, { token })).status, 404, token)
    assert.equal(await world.send(theirs), 200)
    assert.equal((await revoke(client.clientid, { token: theirs, tokenId: 'x' })).status, 400)
    assert.equal((await revoke(client.clientid, { tokenId: '' })).status, 400)
  })
})

describe('deleting', () => {
  test('ends tokens and roles, and who has the id later inherits neither', async () => {
    const secret = chosen
    const client = await world.sender({ clientid: 'reborn', secret })
    const text = await world.token(client)
    assert.equal((await remove('reborn')).status, 204)
    assert.equal(await world.send(text), 401)
    assert.equal((await world.ask(client)).status, 401)
    const again = await world.register({ clientid: 'reborn', secret })
    assert.equal(await world.send(text), 401)
    assert.deepEqual((await one('reborn')).roles, [])
    assert.equal(await world.send(await world.token(again)), 403)
  })
})

describe('who may', () => {
  test('read and change needs the roles for credentials, assigning that for roles', async () => {
    const admin = async (...roles: string[]) =>
      adminWith(world.server, await world.server.adminToken(...roles))
    const reader = await admin('CredentialsRead')
    assert.equal((await reader.call('GET', '/clients')).status, 200)
    assert.equal((await reader.call('POST', '/clients', { clientid: 'x' })).status, 403)
    assert.equal((await reader.call('GET', '/role-assignments')).status, 200)
    const editor = await admin('CredentialsEdit')
    assert.equal((await editor.call('POST', '/clients', { clientid: 'by-editor' })).status, 201)
    const assignment = { user: 'oauth_client_by-editor', role }
    assert.equal((await editor.call('POST', '/role-assignments', assignment)).status, 403)
    const roles = await admin('UserRolesEdit')
    assert.equal((await roles.call('POST', '/role-assignments', assignment)).status, 201)
    assert.equal((await roles.call('GET', '/clients')).status, 403)
    for (const [method, path] of [
      ['GET', '/clients'],
      ['POST', '/clients'],
      ['GET', '/role-assignments'],
      ['DELETE', '/role-assignments'],
    ] as const)
      assert.equal((await world.server.call(`/admin/v1${path}`, { method })).status, 401)
  })

  test('every change leaves a line that says who did what, and no secret', async () => {
    const before = world.server.log.length
    const client = await world.sender({ clientid: 'audited', secret: chosen })
    await world.change(client, { secret: `${chosen}!`, tokenLifetime: 7 })
    const text = await world.token({ ...client, clientsecret: `${chosen}!` })
    await world.admin.call('POST', '/clients/audited/token-revocation', { token: text })
    await world.admin.call('POST', '/clients/audited/token-revocation', { tokenId: 'id-1' })
    await world.admin.call(
      'DELETE',
      `/role-assignments?user=${client.user}&role=${role}&subscription=default.iflmap`,
    )
    await remove('audited')
    const lines = world.server.log.slice(before)
    const all = JSON.stringify(lines)
    assert.ok(!all.includes(chosen) && !all.includes(text))
    const set = { user: 'oauth_client_audited', subscription: 'default.iflmap' }
    const settings = { ...set, disabled: false, description: '', secret: 'chosen' }
    assert.deepEqual(
      lines
        .filter(line => line.message === 'admin operation done')
        .map(({ fields: { operation, client: id, set } }) => [operation, id, set]),
      [
        ['POST /clients', undefined, { clientid: 'audited', ...settings, tokenLifetime: 3600 }],
        ['POST /role-assignments', undefined, { ...set, role }],
        ['PATCH /clients/:client', 'audited', { ...settings, tokenLifetime: 7, secretReplaced: true }],
        ['POST /clients/:client/token-revocation', 'audited', { tokens: 'one, shown' }],
        ['POST /clients/:client/token-revocation', 'audited', { tokens: 'id-1' }],
        ['DELETE /role-assignments', undefined, { ...set, role }],
        ['DELETE /clients/:client', 'audited', undefined],
      ],
    )
  })

  test('neither secret is in the files of the store', async () => {
    const made = await world.register()
    const given = await world.register({ secret: 'Zebra-crossing-at-noon' })
    await world.ask(given)
    const bytes = bytesOf(world.directory)
    for (const { clientsecret } of [made, given]) assert.equal(bytes.includes(clientsecret), false)
    assert.equal(bytes.includes('$argon2id$v=19$'), true)
  })
})
