import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { faces } from '../../../src/adapters/http/dialects/index.ts'
import { createRole, deleteKey, updateInstance } from '../../../src/core/broker/index.ts'
import type { Tenant } from '../../../src/core/tenant.ts'
import { revokeAllOf, rotateKeys } from '../../../src/core/tokens/index.ts'
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
  startTestServer,
  type TestServer,
} from '../../support/server.ts'
import { forge, introspectAs, newTenant, partsOf, send } from '../token-server/world.ts'
import { type Resource, type Resources, startResources } from './resources.ts'
import { ask, keyOf, keyOfLine, type Spoken, signWith, speakers } from './speakers.ts'

// What must hold for the clients of every dialect, however it looks.
let server: TestServer
let other: Tenant
let ca: Ca
let bearer: Sender
let resources: Resources
before(async () => {
  server = await startTestServer()
  other = await newTenant(server, 'other')
  resources = await startResources(server, server.tenant, other)
  ca = newRoot('dialects')
  await trust(server, ca)
  bearer = ca.issue({ cn: 'bearer' })
  // So that the keys of every dialect are there.
  for (const speaker of speakers) await ask(server, speaker, await speaker.client(server), speaker.jwt)
})
after(async () => {
  for (const resource of Object.values(resources)) await resource.close()
  await server.close()
})

const services = () => server.server.services
test('every dialect in the list goes through these tests', () => {
  assert.deepEqual(
    speakers.map(({ name }) => name),
    faces.map(({ name }) => name),
  )
})

/** All that a caller sees, but for the time, the correlation id, and the client id that it has sent (and its length). */
function outside({ status, headers, text }: Answer, { clientid }: { clientid: string }): string {
  const { date: _, 'content-length': _length, ...rest } = headers
  return JSON.stringify([status, rest, text])
    .replaceAll(String(headers['x-correlation-id']), 'ID')
    .replaceAll(clientid, 'CLIENT')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, 'TIME')
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
    let resource: Resource
    before(async () => {
      resource = resources[speaker.usedAt]
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

    /** Signed with the key that really signs, so that only header or claims can be wrong. */
    const sign = async (changed: object, headers: object = {}) =>
      signWith(
        await keyOfLine(server, server.tenant, speaker.line),
        { ...header, ...headers },
        { ...claims, ...changed },
      )

    test('a token of any format opens the resource, and no cache keeps the answer', async () => {
      for (const parameters of Object.values(speaker.formats)) {
        const answer = await ask(server, speaker, key, parameters)
        assert.equal(answer.status, 200, answer.text)
        assert.equal(answer.headers['cache-control'], 'no-store')
        const { access_token, expires_in, refresh_token } = answer.json()
        assert.equal(expires_in, speaker.expiresIn)
        assert.equal(refresh_token, undefined)
        await resource.opens(String(access_token))
      }
      await resource.opens(await sign({}))
    })

    test('whoever is not known gets one answer to the letter, whatever is wrong, or one for ids and one for secrets', async () => {
      const deleted = await speaker.client(server)
      await speaker.remove(server, deleted)
      const { clientsecret } = await speaker.client(server)
      const bySecret = [`csec_${'A'.repeat(43)}`, 'x', clientsecret].map(each => ({
        ...key,
        clientsecret: each,
      }))
      const byId = [
        { ...key, clientid: 'nobody' },
        deleted,
        await speaker.client(server, other),
        ...(await Promise.all(
          // Whose address this is not, is nobody here.
          speakers
            .filter(({ tokenPath }) => tokenPath(server.tenant) !== speaker.tokenPath(server.tenant))
            .map(each => each.client(server)),
        )),
      ]
      const { unknown, unknownId } = speaker
      const groups = unknownId
        ? [
            { told: unknown, strangers: bySecret },
            { told: unknownId, strangers: byId },
          ]
        : [{ told: unknown, strangers: [...bySecret, ...byId] }]
      for (const { told, strangers } of groups) {
        const seen = new Set<string>()
        for (const stranger of strangers) {
          const answer = await ask(server, speaker, stranger, speaker.jwt)
          assert.deepEqual([answer.status, answer.json().error], told, answer.text)
          const challenge = String(answer.headers['www-authenticate'])
          assert.equal(challenge.startsWith('Basic realm='), answer.status === 401, challenge)
          seen.add(outside(answer, stranger))
        }
        assert.equal(seen.size, 1, [...seen].join('\n'))
      }
    })

    test('a request of a wrong form gets no token: method, media type, repetition, secrets in the query, two ways at once', async () => {
      const form = { grant_type: 'client_credentials', ...speaker.jwt }
      const post = { method: 'POST' }
      const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
      const inBody = { ...form, client_id: key.clientid, client_secret: key.clientsecret }
      const headers = { Authorization: basic(key) }
      const at = (query: string, options: CallOptions) =>
        server.call(`${speaker.tokenPath(server.tenant)}${query}`, options)
      const secret = encodeURIComponent(key.clientsecret)
      const good = await at('', { ...post, headers, body: form })
      assert.equal(good.status, 200, good.text)
      const answers: [number, Answer][] = [
        [405, await at('', { method: 'GET', headers })],
        [405, await at('?grant_type=client_credentials', { method: 'PUT', headers })],
        [
          400,
          await at('', { ...post, headers: { ...headers, 'Content-Type': 'application/json' }, body: '{}' }),
        ],
        [
          400,
          await at('', {
            ...post,
            headers: { ...headers, ...type },
            body: `${new URLSearchParams(form)}&more=a&more=a`,
          }),
        ],
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
      for (const [parameters, ...told] of speaker.refusals) {
        const answer = await ask(server, speaker, key, { ...speaker.jwt, ...parameters })
        const { error, correlation_id, access_token } = answer.json()
        assert.deepEqual([answer.status, error], told, `${JSON.stringify(parameters)}: ${answer.text}`)
        assert.equal(access_token, undefined)
        assert.equal(correlation_id, answer.headers['x-correlation-id'])
      }
      const hostile = await ask(server, speaker, key, { scope: 'a"b\\c\r\nX-Evil:1\u00e9' })
      const lines = String(hostile.json().error_description).split('\r\n')
      assert.equal(lines.length, speaker.describedIn)
      for (const line of lines) assert.match(line, /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/)
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
          await resource.refuses(forge(hmac, undefined, { ...header, alg }, claims), alg)
        }
      for (const alg of ['none', 'NONE', '', 'ES256', 'RS256', 'PS256', 'EdDSA', 'RS512', null, undefined]) {
        if (alg === signing.alg.name) continue
        const changed = encodeBase64url(JSON.stringify({ ...header, alg }))
        await resource.refuses(token.replace(/^[^.]+/, changed), `alg ${alg}`)
        await resource.refuses(`${changed}.${token.split('.')[1]}.`, `alg ${alg} without a signature`)
      }
    })

    test('typ is that of the dialect, and nothing else is an access token', async () => {
      await resource.opens(await sign({}, { typ: speaker.typ.toUpperCase() }))
      const wrong = [undefined, '', null, 1, 'JOSE', 'dpop+jwt', 'client-authentication+jwt', 'logout+jwt']
      const foreign = speakers.map(({ typ }) => typ).filter(typ => typ !== speaker.typ)
      for (const typ of [...wrong, ...foreign]) await resource.refuses(await sign({}, { typ }), `typ ${typ}`)
    })

    test('no other key vouches for it: of another line, of another tenant, of a stranger', async () => {
      const foreignToken = await tokenOf(await speaker.client(server, other))
      await resource.refuses(foreignToken, 'of another tenant, issued')
      const theirs = await keyOfLine(server, other, speaker.line)
      const stranger = { ...theirs, privateKey: theirs.alg.generate() }
      await resource.refuses(signWith(theirs, { typ: header.typ }, claims), 'of another tenant')
      await resource.refuses(signWith(stranger, { ...header, alg: theirs.alg.name }, claims), 'of a stranger')
      for (const line of ['sig', 'rs256'] as const) {
        if (line === speaker.line) continue
        const otherLine = await keyOfLine(server, server.tenant, line)
        await resource.refuses(signWith(otherLine, { typ: header.typ }, claims), `of line ${line}`)
      }
    })

    test('iss is to the letter that of the dialect; another dialect is judged by its own rules', async () => {
      const { addresses } = services()
      const others = speakers
        .flatMap(({ issuers }) => issuers(server.tenant, addresses))
        .filter(issuer => issuer !== claims.iss)
      const theirs = speakers.flatMap(({ issuers }) => issuers(other, addresses))
      const wrong = [undefined, null, '', `${claims.iss}/`, [claims.iss], 'https://evil.example']
      for (const iss of [...wrong, ...others, ...theirs])
        await resource.refuses(await sign({ iss }), `iss ${iss}`)
    })

    test('aud names the resource; others beside it or instead open nothing', async () => {
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
        await resource.refuses(await sign({ aud }), `aud ${JSON.stringify(aud)}`)
      const both = await sign({ aud: [key.clientid, server.url, `${server.url}/admin/v1`] })
      const admin = await server.call('/admin/v1/instances', { headers: { Authorization: `Bearer ${both}` } })
      assert.equal(admin.status, 401)
    })

    test('dates and claims that are wrong or missing', async () => {
      assert.equal(Number(claims.exp) - Number(claims.iat), 3600)
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
        ...speaker.wrongClaims(claims),
      ]
      for (const changed of wrong) await resource.refuses(await sign(changed), JSON.stringify(changed))
    })

    test('deleting a client is felt at once, by that client alone: at the token endpoint, and where we are asked', async () => {
      const victim = await speaker.client(server)
      const last = await Promise.all(
        Object.values(speaker.formats).map(parameters => tokenOf(victim, parameters)),
      )
      for (const text of last) await resource.opens(text)
      await speaker.remove(server, victim)
      const [status] = speaker.unknownId ?? speaker.unknown
      assert.equal((await ask(server, speaker, victim, speaker.jwt)).status, status)
      for (const text of last)
        await (resource.asksUs ? resource.refuses(text, 'the client was deleted') : resource.opens(text))
      await resource.opens(token)
    })

    test('a role that is taken away is not in the next token, nor where we are asked in those before', async () => {
      const losing = await speaker.client(server)
      const before = await tokenOf(losing)
      await resource.opens(before)
      await speaker.takeRole(server, losing)
      assert.equal(await resource.send(await tokenOf(losing)), 403)
      assert.equal(await resource.send(before), resource.asksUs ? 403 : 200)
      await resource.opens(token)
    })

    test('its signing key is published, and rotates with all others', async () => {
      const kids = async () => {
        const answer = await server.call(speaker.keysPath(server.tenant))
        return answer.json<{ keys: { kid: string }[] }>().keys.map(({ kid }) => kid)
      }
      assert.ok((await kids()).includes(String(header.kid)))
      await rotateKeys(server.tenant, { now: true }, services())
      // Whoever keeps the keys asks for one that it does not know once in this time.
      server.advance(30_000)
      const after = await tokenOf(key)
      assert.notEqual(partsOf(after).header.kid, header.kid)
      assert.ok((await kids()).includes(String(partsOf(after).header.kid)))
      for (const text of [token, after]) await resource.opens(text)
    })

    if (speaker.usedAt !== 'own') return

    test('revoking all of a client is felt at once, by that client alone', async () => {
      const victim = await speaker.client(server)
      for (const parameters of Object.values(speaker.formats)) {
        const before = await tokenOf(victim, parameters)
        await resource.opens(before)
        await revokeAllOf(await credentialOf(victim), services().store)
        await resource.refuses(before, 'all were revoked')
        await resource.opens(await tokenOf(victim, parameters))
      }
      await resource.opens(token)
    })

    if (!speaker.ofInstances) return
    const { scopeForm, credentialClaim } = speaker.ofInstances

    test('scope narrows and never widens; a role taken from the instance is gone from its tokens', async () => {
      for (const name of ['orders.read', 'orders.write'])
        await createRole(server.tenant, name, '', services())
      const roles = ['ESBMessaging.send', 'orders.read']
      const wide = await keyOf(server, speaker.name, { roles })
      const narrow = await tokenOf(wide, { ...speaker.jwt, scope: 'orders.read' })
      assert.deepEqual(partsOf(narrow).claims.scope, scopeForm(['orders.read']))
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
      assert.equal(credentialClaim in told, false, 'internal ids stay in the token')
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
