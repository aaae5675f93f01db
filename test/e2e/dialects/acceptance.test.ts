import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createRole, deleteKey, updateInstance } from '../../../src/core/broker/index.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { dialects, revokeAllOf, rotateKeys } from '../../../src/core/tokens/index.ts'
import { encodeBase64url } from '../../../src/crypto/base64url.ts'
import {
  askWith,
  type Ca,
  holds,
  newKey,
  newRoot,
  type Sender,
  sendWith,
  trust,
} from '../../support/senders.ts'
import {
  type Answer,
  basic,
  type CallOptions,
  orThrow,
  type SentKey,
  startTestServer,
  type TestServer,
} from '../../support/server.ts'
import {
  deployOrders,
  forge,
  introspectAs,
  newTenant,
  partsOf,
  prefixOf,
  send,
} from '../token-server/world.ts'
import { ask, keyOf, keyOfLine, type Spoken, signWith, speakers, unacceptable } from './speakers.ts'

// What must hold for the clients of every dialect, however it looks.
let server: TestServer
let other: Tenant
let ca: Ca
let bearer: Sender
/** Asks about tokens: not every dialect has introspection. */
let watcher: SentKey
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  other = await newTenant(server, 'other')
  endReceiver = await deployOrders(server, server.tenant, other)
  watcher = await server.sender({ parameters: { roles: ['token.introspect'] } })
  ca = newRoot('dialects')
  await trust(server, ca)
  bearer = ca.issue({ cn: 'bearer' })
  // So that the keys of every dialect are there.
  for (const speaker of speakers) await ask(server, speaker, await speaker.client(server), speaker.jwt)
})
after(async () => {
  endReceiver()
  await server.close()
})

const services = () => server.server.services
test('every dialect in the list goes through these tests', () => {
  assert.deepEqual(
    speakers.map(({ name }) => name),
    dialects.map(({ name }) => name),
  )
})

/** All that a caller sees, but for the time and the correlation id. */
function outside({ status, headers, text }: Answer): object {
  const { date: _, 'x-correlation-id': id, ...rest } = headers
  return { status, headers: rest, text: text.replace(String(id), 'ID') }
}

async function credentialOf(key: Spoken): Promise<string> {
  return (await services().store.read.clients.byClientId(server.tenant.id, key.clientid))!.credentialId
}

for (const speaker of speakers)
  describe(`dialect ${speaker.name}`, () => {
    let key: Spoken
    let token: string
    let header: Record<string, unknown>
    let claims: Record<string, unknown>
    before(async () => {
      key = await speaker.client(server)
      token = await tokenOf(key)
      ;({ header, claims } = partsOf(token))
    })

    async function tokenOf(
      by: { clientid: string; clientsecret: string; tenant?: Tenant },
      parameters: Record<string, string> = speaker.jwt,
    ): Promise<string> {
      const { tenant = server.tenant } = by
      const answer = await ask(server, speaker, by, parameters, { tenant })
      assert.equal(answer.status, 200, answer.text)
      return answer.json<{ access_token: string }>().access_token
    }

    async function assertGood(text: string): Promise<void> {
      assert.equal((await introspectAs(server, watcher, text)).active, true)
      assert.equal(await send(server, text), 200)
    }

    async function assertDead(text: string, what: string): Promise<void> {
      const told = await introspectAs(server, watcher, text)
      assert.deepEqual(told, { active: false }, `introspection: ${what}`)
      assert.equal(await send(server, text), 401, `flow: ${what}`)
      const admin = await server.call('/admin/v1/instances', { headers: { Authorization: `Bearer ${text}` } })
      assert.equal(admin.status, 401, `admin API: ${what}`)
    }

    /** Signed with the key that really signs, so that only header or claims can be wrong. */
    const sign = async (changed: object, headers: object = {}) =>
      signWith(
        await keyOfLine(server, server.tenant, speaker.line),
        { ...header, ...headers },
        { ...claims, ...changed },
      )

    test('a token of any format opens the flow, and no cache keeps the answer', async () => {
      for (const parameters of Object.values(speaker.formats)) {
        const answer = await ask(server, speaker, key, parameters)
        assert.equal(answer.status, 200, answer.text)
        assert.equal(answer.headers['cache-control'], 'no-store')
        const { access_token, expires_in, refresh_token } = answer.json()
        assert.equal(expires_in, 3600)
        assert.equal(refresh_token, undefined)
        await assertGood(String(access_token))
      }
      await assertGood(await sign({}))
    })

    test('whoever is not known gets one answer to the letter, whatever is wrong', async () => {
      const deleted = await speaker.client(server)
      await speaker.remove(server, deleted)
      const strangers = [
        { ...key, clientsecret: `csec_${'A'.repeat(43)}` },
        { ...key, clientsecret: 'x' },
        { ...key, clientid: 'nobody' },
        deleted,
        await speaker.client(server, other),
        ...(await Promise.all(
          // Whose address this is not, is nobody here.
          speakers.filter(each => each.tokenPath !== speaker.tokenPath).map(each => each.client(server)),
        )),
      ]
      const answers = await Promise.all(strangers.map(stranger => ask(server, speaker, stranger)))
      for (const answer of answers) {
        assert.equal(answer.status, 401)
        assert.match(String(answer.headers['www-authenticate']), /^Basic realm=/)
        assert.deepEqual(outside(answer), outside(answers[0]!))
      }
    })

    test('a request of a wrong form gets no token: method, media type, repetition, secrets in the query, two ways at once', async () => {
      const form = { grant_type: 'client_credentials' }
      const post = { method: 'POST' }
      const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
      const inBody = { ...form, client_id: key.clientid, client_secret: key.clientsecret }
      const headers = { Authorization: basic(key) }
      const at = (query: string, options: CallOptions) => server.call(`${speaker.tokenPath}${query}`, options)
      const secret = encodeURIComponent(key.clientsecret)
      const answers: [number, Answer][] = [
        [405, await at('', { method: 'GET', headers })],
        [405, await at('?grant_type=client_credentials', { method: 'PUT', headers })],
        [
          400,
          await at('', { ...post, headers: { ...headers, 'Content-Type': 'application/json' }, body: '{}' }),
        ],
        [400, await at('', { ...post, headers: { ...headers, ...type }, body: 'scope=a&scope=a' })],
        [400, await at('?grant_type=client_credentials', { ...post, headers, body: form })],
        [400, await at(`?client_secret=${secret}`, { ...post, body: form })],
        [400, await at('', { ...post, headers, body: inBody })],
        [413, await at('', { ...post, headers, body: { ...form, more: 'x'.repeat(70_000) } })],
      ]
      for (const [status, answer] of answers) {
        assert.equal(answer.status, status, answer.text)
        assert.equal(answer.json().access_token, undefined)
        assert.equal(answer.headers['cache-control'], 'no-store')
        assert.ok(!answer.text.includes(key.clientsecret))
      }
    })

    test('what a known client may not have it does not get, and is told so in its own words', async () => {
      for (const [name, told] of Object.entries(speaker.refusals)) {
        const answer = await ask(server, speaker, key, unacceptable[name as keyof typeof unacceptable])
        const { error, correlation_id, access_token } = answer.json()
        assert.deepEqual([answer.status, error], told, `${name}: ${answer.text}`)
        assert.equal(access_token, undefined)
        assert.equal(correlation_id, answer.headers['x-correlation-id'])
      }
      const hostile = await ask(server, speaker, key, { scope: 'a"b\\c\r\nX-Evil:1\u00e9' })
      assert.match(String(hostile.json().error_description), /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/)
    })

    test('no alg but that of the key: none, HMAC with the public key, any other', async () => {
      const signing = await keyOfLine(server, server.tenant, speaker.line)
      const publicKey = createPublicKey(signing.privateKey)
      const pem = publicKey.export({ type: 'spki', format: 'pem' })
      for (const [alg, hash] of [
        ['HS256', 'sha256'],
        ['HS512', 'sha512'],
      ] as const)
        for (const secret of [pem, String(pem).trim(), publicKey.export({ type: 'spki', format: 'der' })]) {
          const hmac = (input: Buffer) => createHmac(hash, secret).update(input).digest()
          await assertDead(forge(hmac, undefined, { ...header, alg }, claims), alg)
        }
      for (const alg of ['none', 'NONE', '', 'ES256', 'RS256', 'PS256', 'EdDSA', 'RS512', null, undefined]) {
        if (alg === signing.alg.name) continue
        const changed = encodeBase64url(JSON.stringify({ ...header, alg }))
        await assertDead(token.replace(/^[^.]+/, changed), `alg ${alg}`)
        await assertDead(`${changed}.${token.split('.')[1]}.`, `alg ${alg} without a signature`)
      }
    })

    test('typ is that of the dialect, and nothing else is an access token', async () => {
      await assertGood(await sign({}, { typ: speaker.typ.toUpperCase() }))
      const wrong = [undefined, '', null, 1, 'JOSE', 'dpop+jwt', 'client-authentication+jwt', 'logout+jwt']
      const foreign = speakers.map(({ typ }) => typ).filter(typ => typ !== speaker.typ)
      for (const typ of [...wrong, ...foreign]) await assertDead(await sign({}, { typ }), `typ ${typ}`)
    })

    test('no other key vouches for it: of another line, of another tenant, of a stranger', async () => {
      const theirs = await keyOfLine(server, other, 'sig')
      const stranger = { ...theirs, privateKey: theirs.alg.generate() }
      await assertDead(signWith(theirs, { typ: header.typ }, claims), 'of another tenant')
      await assertDead(signWith(stranger, { ...header, alg: theirs.alg.name }, claims), 'of a stranger')
      for (const line of ['sig', 'rs256'] as const) {
        if (line === speaker.line) continue
        const otherLine = await keyOfLine(server, server.tenant, line)
        await assertDead(signWith(otherLine, { typ: header.typ }, claims), `of line ${line}`)
      }
      const foreignToken = await tokenOf(await speaker.client(server, other))
      await assertDead(foreignToken, 'of another tenant, issued')
    })

    test('iss is to the letter that of the dialect; another dialect is judged by its own rules', async () => {
      const others = dialects
        .map(dialect => dialect.issuer(server.tenant, services().addresses))
        .filter(issuer => issuer !== claims.iss)
      const theirs = dialects.map(dialect => dialect.issuer(other, services().addresses))
      const wrong = [undefined, null, '', `${claims.iss}/`, [claims.iss], 'https://evil.example']
      for (const iss of [...wrong, ...others, ...theirs]) await assertDead(await sign({ iss }), `iss ${iss}`)
    })

    test('aud names the resource of the plan; others beside it or instead open nothing', async () => {
      for (const aud of [
        undefined,
        null,
        '',
        [],
        ['x'],
        'x',
        [key.clientid],
        `${server.url}/admin/v1`,
        1,
        {},
      ])
        await assertDead(await sign({ aud }), `aud ${JSON.stringify(aud)}`)
      const both = await sign({ aud: [key.clientid, server.url, `${server.url}/admin/v1`] })
      const admin = await server.call('/admin/v1/instances', { headers: { Authorization: `Bearer ${both}` } })
      assert.equal(admin.status, 401)
    })

    test('dates and claims that are wrong or missing', async () => {
      const now = Math.floor(server.now() / 1000)
      const wrong = [
        { exp: now - 61 },
        { exp: undefined },
        { exp: '9999999999' },
        { iat: now + 120 },
        { nbf: now + 120 },
        { cnf: { jkt: 'x' } },
        { cnf: { 'x5t#S256': 'a', jkt: 'b' } },
        { cnf: 'x' },
        { jti: undefined },
        { sub: 1 },
        { client_id: undefined },
        { scope: Array.isArray(speaker.scopeForm(['a'])) ? 'ESBMessaging.send' : ['ESBMessaging.send'] },
        { scope: [1] },
        { [speaker.credentialClaim]: undefined },
        { [speaker.credentialClaim]: 'x' },
        { [speaker.credentialClaim]: `${String(claims[speaker.credentialClaim]).split('.')[0]}.99` },
      ]
      for (const changed of wrong) await assertDead(await sign(changed), JSON.stringify(changed))
    })

    test('revoking all of a client and deleting it are felt at once, by that client alone', async () => {
      const victim = await speaker.client(server)
      for (const parameters of Object.values(speaker.formats)) {
        const before = await tokenOf(victim, parameters)
        await assertGood(before)
        await revokeAllOf(await credentialOf(victim), services().store)
        await assertDead(before, 'all were revoked')
        await assertGood(await tokenOf(victim, parameters))
      }
      const last = await Promise.all(
        Object.values(speaker.formats).map(parameters => tokenOf(victim, parameters)),
      )
      await speaker.remove(server, victim)
      for (const text of last) await assertDead(text, 'the client was deleted')
      assert.equal((await ask(server, speaker, victim)).status, 401)
      await assertGood(token)
    })

    test('its signing key is published, and rotates with all others', async () => {
      const kids = async () => {
        const answer = await server.call(`${prefixOf(server.tenant)}/token_keys`)
        return answer.json<{ keys: { kid: string }[] }>().keys.map(({ kid }) => kid)
      }
      assert.ok((await kids()).includes(String(header.kid)))
      await rotateKeys(server.tenant, { now: true }, services())
      const after = await tokenOf(key)
      assert.notEqual(partsOf(after).header.kid, header.kid)
      assert.ok((await kids()).includes(String(partsOf(after).header.kid)))
      for (const text of [token, after]) await assertGood(text)
    })

    if (!speaker.ofInstances) return

    test('scope narrows and never widens; a role taken from the instance is gone from its tokens', async () => {
      for (const name of ['orders.read', 'orders.write'])
        await createRole(server.tenant, name, '', services())
      const roles = ['ESBMessaging.send', 'orders.read']
      const wide = await keyOf(server, speaker.name, { roles })
      const narrow = await tokenOf(wide, { ...speaker.jwt, scope: 'orders.read' })
      assert.deepEqual(partsOf(narrow).claims.scope, speaker.scopeForm(['orders.read']))
      assert.equal(await send(server, narrow), 403)
      assert.equal((await ask(server, speaker, wide, { scope: 'orders.read orders.write' })).status, 400)
      const all = await tokenOf(wide)
      assert.equal(await send(server, all), 200)
      orThrow(await updateInstance(server.tenant, wide.instance, { roles: ['orders.read'] }, services()))
      assert.equal(await send(server, all), 403)
    })

    test('a token of one plan is worth nothing at the resource of the other', async () => {
      const admin = await server.sender({
        plan: 'api',
        parameters: { dialect: speaker.name, roles: ['CredentialsRead'] },
      })
      for (const parameters of Object.values(speaker.formats)) {
        const forAdmin = await tokenOf(admin, parameters)
        const call = (text: string) =>
          server.call('/admin/v1/instances', { headers: { Authorization: `Bearer ${text}` } })
        assert.equal((await call(forAdmin)).status, 200)
        assert.equal(await send(server, forAdmin), 401)
        assert.equal((await call(await tokenOf(key, parameters))).status, 401)
      }
    })

    test('one token is revoked by its own client, and by no other', async () => {
      const victim = await keyOf(server, speaker.name)
      const revoke = (by: { clientid: string; clientsecret: string }, text: string) =>
        server.call('/oauth/revoke', {
          method: 'POST',
          headers: { Authorization: basic(by) },
          body: { token: text },
        })
      for (const parameters of Object.values(speaker.formats)) {
        const [first, second] = [await tokenOf(victim, parameters), await tokenOf(victim, parameters)]
        assert.equal((await revoke(key, first)).status, 200)
        assert.equal(await send(server, first), 200, 'a stranger revokes nothing')
        assert.equal((await revoke(victim, first)).status, 200)
        assert.equal(await send(server, first), 401)
        assert.equal(await send(server, second), 200)
      }
    })

    test('nobody learns about tokens of others', async () => {
      const curious = await keyOf(server, speaker.name)
      assert.deepEqual(await introspectAs(server, curious, token), { active: false })
      const told = await introspectAs(
        server,
        await keyOf(server, speaker.name, { roles: ['token.introspect'] }),
        token,
      )
      assert.equal(told.active, true)
      assert.equal(told.client_id, key.clientid)
      assert.equal(told.iss, claims.iss)
      assert.equal(speaker.credentialClaim in told, false, 'internal ids stay in the token')
    })

    test('a token that is bound to a certificate works with it alone; without one none is issued', async () => {
      const own = ca.issue({ cn: `bound ${speaker.name}` })
      const held = await holds(server, own, {}, { dialect: speaker.name, bindTokens: true })
      for (const parameters of Object.values(speaker.formats)) {
        const answer = await askWith(server, own, { ...parameters, client_id: held.clientid })
        assert.equal(answer.status, 200, answer.text)
        const text = answer.json<{ access_token: string }>().access_token
        if (parameters.token_format === 'jwt')
          assert.deepEqual(partsOf(text).claims.cnf, { 'x5t#S256': own.thumbprint })
        const headers = { Authorization: `Bearer ${text}` }
        assert.equal((await sendWith(server, own, { headers })).status, 200)
        for (const by of [bearer, undefined])
          assert.equal((await sendWith(server, by, { headers })).status, 401)
        assert.equal(await send(server, text), 401)
      }
      const binding = await keyOf(server, speaker.name, { bindTokens: true })
      const answer = await ask(server, speaker, binding)
      assert.equal(answer.status, 400)
      assert.equal(answer.json().error, 'invalid_request')
    })

    test('a key of the other kind gets nothing with a secret, nor a stranger with a certificate', async () => {
      const own = await newKey(
        server,
        { 'key-type': 'certificate', 'key-length': 256, validity: 1 },
        { dialect: speaker.name },
      )
      const guess = await ask(server, speaker, { clientid: own.clientid, clientsecret: key.clientsecret })
      assert.equal(guess.status, 401)
      const stranger = await askWith(server, bearer, { client_id: own.clientid })
      assert.equal(stranger.status, 401)
    })

    test('an instance that changes its dialect keeps what it has got, and gets the new form', async () => {
      const next = speakers.find(({ name, ofInstances }) => ofInstances && name !== speaker.name)!
      const changing = await keyOf(server, speaker.name)
      const before = await tokenOf(changing)
      orThrow(await updateInstance(server.tenant, changing.instance, { dialect: next.name }, services()))
      const after = await tokenOf(changing)
      assert.notEqual(partsOf(after).header.typ, partsOf(before).header.typ)
      for (const text of [before, after]) assert.equal(await send(server, text), 200)
      orThrow(await deleteKey(server.tenant, changing.instance, 'key', services()))
      for (const text of [before, after]) assert.equal(await send(server, text), 401)
    })
  })
