import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  askWith,
  type Ca,
  callMtls,
  type HeldKey,
  holds,
  newKey,
  newRoot,
  type Sender,
  selfSigned,
  sendWith,
  trust,
} from '../../support/senders.ts'
import { basic, type SentKey, startTestServer, type TestServer } from '../../support/server.ts'
import { deployOrders, introspectAs, partsOf, send } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'

let server: TestServer
let ca: Ca
let sender: Sender
let stranger: Sender
/** Binds its tokens. */
let bound: HeldKey
let secret: SentKey
let boundSecret: SentKey
let endReceiver: () => void
before(async () => {
  server = await startTestServer()
  ca = newRoot('binding')
  await trust(server, ca)
  sender = ca.issue({ cn: 'bound' })
  stranger = ca.issue({ cn: 'held by nobody' })
  bound = await holds(server, sender, {}, { bindTokens: true })
  secret = await server.sender()
  boundSecret = await server.sender({ parameters: { bindTokens: true } })
  endReceiver = await deployOrders(server)
})
after(async () => {
  endReceiver()
  await server.close()
})

const formats = ['jwt', 'opaque'] as const

async function tokenOf(
  by: Sender | undefined,
  parameters: Record<string, string> = {},
  key?: SentKey,
): Promise<string> {
  const answer = await askWith(server, by, parameters, key ? { headers: { Authorization: basic(key) } } : {})
  assert.equal(answer.status, 200, answer.text)
  return answer.json<{ access_token: string }>().access_token
}

const sendToken = (by: Sender | undefined, token: string) =>
  sendWith(server, by, { headers: { Authorization: `Bearer ${token}` } })

for (const token_format of formats) {
  test(`a bound token (${token_format}) works with its certificate, and with no other, and not without`, async () => {
    const token = await tokenOf(sender, { token_format })
    assert.equal((await sendToken(sender, token)).status, 200)
    const refusals = [
      [await sendToken(stranger, token), /with another one/],
      [await sendToken(selfSigned('bound'), token), /with another one/],
      [await sendToken(undefined, token), /without one/],
      [
        await server.call('/http/orders', { method: 'POST', headers: { Authorization: `Bearer ${token}` } }),
        /without one/,
      ],
    ] as const
    for (const [answer, reason] of refusals) {
      assert.equal(answer.status, 401, answer.text)
      assert.match(String(answer.headers['www-authenticate']), /error="invalid_token"/)
      const record = await decisionOf({ server }, answer)
      assert.match(record.reason, reason)
      assert.deepEqual(
        record.checks.find(check => check.outcome === 'failed'),
        { name: 'token binding', outcome: 'failed' },
      )
    }
  })

  test(`introspection tells the binding (${token_format}) to whoever may ask`, async () => {
    const token = await tokenOf(sender, { token_format })
    const answer = await callMtls(server, '/oauth/introspect', sender, { method: 'POST', body: { token } })
    assert.deepEqual(answer.json().cnf, { 'x5t#S256': sender.thumbprint })
    const unbound = await tokenOf(undefined, { token_format }, secret)
    assert.equal('cnf' in (await introspectAs(server, secret, unbound)), false)
  })

  test(`who asks at introspection with a bound token (${token_format}) of its own shows the certificate as well`, async () => {
    const token = await tokenOf(sender, { token_format })
    const ask = (by: Sender | undefined) =>
      callMtls(server, '/oauth/introspect', by, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}` },
        body: { token },
      })
    assert.equal((await ask(sender)).json().active, true)
    for (const by of [stranger, undefined]) {
      const answer = await ask(by)
      assert.equal(answer.status, 401, answer.text)
      assert.match(String(answer.headers['www-authenticate']), /error="invalid_token"/)
    }
  })

  test(`an unbound token (${token_format}) passes beside any certificate, which says nothing then`, async () => {
    const token = await tokenOf(undefined, { token_format }, secret)
    assert.equal(await send(server, token), 200)
    const other = ca.issue()
    await holds(server, other, {}, { roles: [] })
    for (const by of [undefined, stranger, other, selfSigned('nobody')])
      assert.equal((await sendToken(by, token)).status, 200)
  })
}

test('cnf of a JWT is the SHA-256 of the certificate, 43 characters', async () => {
  const { claims } = partsOf(await tokenOf(sender))
  assert.deepEqual(claims.cnf, { 'x5t#S256': sender.thumbprint })
  assert.match(sender.thumbprint, /^[A-Za-z0-9_-]{43}$/)
})

test('a secret beside a certificate that no key holds: the secret identifies, and the token is bound where the instance says so', async () => {
  for (const by of [stranger, selfSigned('unknown'), newRoot('unknown').issue()]) {
    assert.equal('cnf' in partsOf(await tokenOf(by, {}, secret)).claims, false)
    const token = await tokenOf(by, {}, boundSecret)
    assert.deepEqual(partsOf(token).claims.cnf, { 'x5t#S256': by.thumbprint })
    assert.equal((await sendToken(by, token)).status, 200)
    assert.equal((await sendToken(sender, token)).status, 401)
    assert.equal(await send(server, token), 401)
  }
})

test('a secret beside the certificate of another key is refused, in the header and in the body', async () => {
  for (const key of [secret, boundSecret]) {
    const { clientid: client_id, clientsecret: client_secret } = key
    const answers = [
      await askWith(server, sender, {}, { headers: { Authorization: basic(key) } }),
      await askWith(server, sender, { client_id, client_secret }),
    ]
    for (const answer of answers) {
      assert.equal(answer.status, 400, answer.text)
      assert.equal(answer.json().error, 'invalid_request')
      assert.match((await decisionOf({ server }, answer)).reason, /belongs to key key of instance holder/)
    }
  }
})

test('a secret beside a certificate that another key names is refused as well', async () => {
  await newKey(server, {
    'key-type': 'certificate_external',
    tls_client_auth_san_dns: 'rival.example',
    issuer: ca.pem,
  })
  const rival = ca.issue({ cn: 'rival' }, [{ kind: 'dns', value: 'rival.example' }])
  const answer = await askWith(server, rival, {}, { headers: { Authorization: basic(secret) } })
  assert.equal(answer.status, 400, answer.text)
  assert.match((await decisionOf({ server }, answer)).reason, /belongs to key key of instance holder/)
})

test('a wrong secret is not made good by a right certificate', async () => {
  const wrong = { ...secret, clientsecret: `${secret.clientsecret}x` }
  const headers = { Authorization: basic(wrong) }
  assert.equal((await askWith(server, stranger, {}, { headers })).status, 401)
  // Its own certificate, and any secret for its own id.
  const own = { clientid: bound.clientid, clientsecret: 'any' }
  assert.equal((await askWith(server, sender, {}, { headers: { Authorization: basic(own) } })).status, 401)
  assert.equal(
    (await askWith(server, sender, { client_id: bound.clientid, client_secret: 'any' })).status,
    401,
  )
})

test('an Authorization header of any scheme speaks for the request; the certificate does not stand in for it', async () => {
  for (const Authorization of ['Bearer x', 'Negotiate x', 'Basic', 'Basic !', 'nonsense']) {
    const answer = await askWith(server, sender, {}, { headers: { Authorization } })
    assert.ok([400, 401].includes(answer.status), `${Authorization}: ${answer.text}`)
  }
})

test('an instance that binds its tokens gives none without a certificate, and the record says where to ask', async () => {
  for (const answer of [
    await askWith(server, undefined, {}, { headers: { Authorization: basic(boundSecret) } }),
    await server.call('/oauth/token', {
      method: 'POST',
      headers: { Authorization: basic(boundSecret) },
      body: { grant_type: 'client_credentials' },
    }),
  ]) {
    assert.equal(answer.status, 400, answer.text)
    assert.equal(answer.json().error, 'invalid_request')
    const record = await decisionOf({ server }, answer)
    assert.match(record.reason, /binds its tokens to a certificate/)
    assert.ok(record.hint!.includes(`${server.mtlsUrl}/oauth/token`))
  }
})

test('the port that asks for no certificate knows of none, whatever headers say', async () => {
  const token = await tokenOf(sender)
  const pem = encodeURIComponent(sender.pem)
  for (const name of ['x-forwarded-client-cert', 'client-cert', 'x-ssl-client-cert', 'x_ssl_client_cert']) {
    const headers = { Authorization: `Bearer ${token}`, [name]: pem }
    assert.equal((await server.call('/http/orders', { method: 'POST', headers })).status, 401)
    assert.equal((await sendWith(server, undefined, { headers })).status, 401)
    assert.equal((await sendWith(server, undefined, { headers: { [name]: pem } })).status, 401)
  }
})
