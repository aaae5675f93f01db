import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createKey, deleteKey } from '../../../src/core/broker/index.ts'
import {
  askWith,
  type Ca,
  callMtls,
  type HeldKey,
  holds,
  issued,
  newKey,
  newRoot,
  type Sender,
  selfSigned,
  trust,
} from '../../support/senders.ts'
import { type CallOptions, callUrl, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { newTenant, partsOf } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'

const day = 86_400_000

let server: TestServer
let ca: Ca
let sender: Sender
let key: HeldKey
before(async () => {
  server = await startTestServer()
  ca = newRoot('trusted')
  await trust(server, ca)
  sender = ca.issue()
  key = await holds(server, sender)
})
after(() => server.close())

const decision = (answer: { headers: Record<string, string | string[] | undefined> }, tenantId?: string) =>
  decisionOf({ server }, answer, tenantId)

/** 401 with nothing that tells what was wrong; the operator's record does. */
async function assertUnknown(answer: Awaited<ReturnType<typeof askWith>>, reason: RegExp, tenantId?: string) {
  assert.equal(answer.status, 401, answer.text)
  const { error, error_description } = answer.json()
  assert.deepEqual({ error, error_description }, unknown)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const record = await decision(answer, tenantId)
  assert.match(record.reason, reason)
  assert.equal(record.listener, 'mtls')
  return record
}
const unknown = { error: 'invalid_client', error_description: 'client authentication failed' }

test('a registered certificate gets a token, with its client_id and without', async () => {
  for (const parameters of [{}, { client_id: key.clientid }]) {
    const answer = await askWith(server, sender, parameters)
    assert.equal(answer.status, 200, answer.text)
    const { claims } = partsOf(answer.json<{ access_token: string }>().access_token)
    assert.equal(claims.client_id, key.clientid)
    assert.equal('cnf' in claims, false)
  }
})

test('the described request works: everything in the query, nothing in the body', async () => {
  const path = `/oauth/token?grant_type=client_credentials&token_format=jwt&client_id=${encodeURIComponent(key.clientid)}`
  assert.equal((await callMtls(server, path, sender, { method: 'POST' })).status, 200)
})

test('an issued certificate gets a token at the address in its service key', async () => {
  const own = await issued(server)
  assert.ok(own.tokenurl.startsWith(server.mtlsUrl))
  const answer = await callUrl(own.tokenurl, server.ca, {
    method: 'POST',
    body: { grant_type: 'client_credentials', client_id: own.clientid },
    certificate: own.credential,
  })
  assert.equal(answer.status, 200, answer.text)
})

test('the client_id of another client, of a secret key, and a made-up one are refused', async () => {
  const other = await holds(server, ca.issue({ cn: 'other' }))
  const secret = await server.sender()
  for (const client_id of [other.clientid, secret.clientid, 'nobody', `${key.clientid} `]) {
    const record = await assertUnknown(
      await askWith(server, sender, { client_id }),
      /client_id is not that of/,
    )
    // The record is about the client that the certificate proves.
    assert.equal(record.clientId, key.clientid)
  }
})

test('client_id is an identifier, compared to the letter', async () => {
  await assertUnknown(
    await askWith(server, sender, { client_id: key.clientid.toUpperCase() }),
    /client_id is not that of/,
  )
})

test('no certificate, on the port that asks for one: the record says that one was missing', async () => {
  const record = await assertUnknown(
    await askWith(server, undefined, { client_id: key.clientid }),
    /needs its certificate/,
  )
  assert.match(record.hint!, new RegExp(`${server.mtlsUrl}/oauth/token; if it does, .* sent none`))
})

test('on the port that asks for no certificate the client is refused, and the record has the right address', async () => {
  const byName = await newKey(server, {
    'key-type': 'certificate_external',
    tls_client_auth_san_dns: 'public-port.example',
    issuer: ca.pem,
  })
  for (const client_id of [key.clientid, byName.clientid]) {
    const options: CallOptions = {
      method: 'POST',
      body: { grant_type: 'client_credentials', client_id },
      certificate: sender.credential,
    }
    const answer = await server.call('/oauth/token', options)
    assert.equal(answer.status, 401, answer.text)
    const record = await decision(answer)
    assert.equal(record.listener, 'public')
    assert.match(record.reason, /needs its certificate/)
    assert.ok(record.hint!.includes(`${server.mtlsUrl}/oauth/token`), record.hint)
  }
})

test('a certificate that no key holds is refused, though its authority is trusted', async () => {
  const record = await assertUnknown(await askWith(server, ca.issue()), /no service key of the tenant holds/)
  assert.match(record.hint!, /--type certificate_external/)
})

test('the whole certificate is the identity: same key, same names, same serial number are not enough', async () => {
  const own = ca.issue({ cn: 'whole', serial: 4711 })
  await holds(server, own)
  assert.equal((await askWith(server, own)).status, 200)
  const likenesses = [
    ca.issue({ cn: 'whole', serial: 4711 }),
    ca.issue({ cn: 'whole', key: own.pair }),
    ca.issue({ cn: 'whole', serial: 4711, key: own.pair, notAfter: Date.now() + 2 * day }),
  ]
  for (const other of likenesses)
    await assertUnknown(await askWith(server, other), /no service key of the tenant/)
})

test('the certificate of a deleted key is refused; a new key of the same name does not bring it back', async () => {
  const own = await issued(server)
  assert.equal((await askWith(server, own)).status, 200)
  const { services } = server.server
  orThrow(await deleteKey(server.tenant, own.instance, 'key', services))
  orThrow(await createKey(server.tenant, own.instance, 'key', {}, services))
  await assertUnknown(await askWith(server, own), /no service key of the tenant holds/)
  await assertUnknown(await askWith(server, own, { client_id: own.clientid }), /was revoked/)
})

test('a certificate of another tenant is nothing here, and the other way round', async () => {
  const other = await newTenant(server, 'neighbour')
  await assertUnknown(
    await askWith(server, sender, {}, { prefix: '/tenants/neighbour' }),
    /no service key of the tenant holds this certificate; and .*not known here/,
    other.id,
  )
  const theirs = await newKey(server, { 'key-type': 'certificate', 'key-length': 256 }, {}, other)
  const { certificate: cert, key: own } = theirs.document as { certificate: string; key: string }
  const credential = { cert, key: own }
  assert.equal((await askWith(server, { credential }, {}, { prefix: '/tenants/neighbour' })).status, 200)
  await assertUnknown(await askWith(server, { credential }), /no service key of the tenant holds/)
})

test('the same certificate may stand for a client of each tenant', async () => {
  const other = await newTenant(server, 'twin')
  await trust(server, ca, {}, other)
  const twin = await newKey(server, { 'key-type': 'certificate_external', 'X.509': sender.pem }, {}, other)
  const answer = await askWith(server, sender, {}, { prefix: '/tenants/twin' })
  assert.equal(partsOf(answer.json<{ access_token: string }>().access_token).claims.client_id, twin.clientid)
})

test('expired, and not yet valid: 401 with the date in the record', async () => {
  const early = ca.issue({ notBefore: Date.now() + day })
  const { warnings } = await holds(server, early)
  assert.match(warnings[0]!, /valid from/)
  await assertUnknown(await askWith(server, early), /valid from/)

  const short = ca.issue({ notAfter: Date.now() + day })
  await holds(server, short)
  assert.equal((await askWith(server, short)).status, 200)
  server.advance(day + 1000)
  await assertUnknown(await askWith(server, short), /it was valid until/)
  // A day later the other one's time has come.
  server.advance(1000)
  assert.equal((await askWith(server, early)).status, 200)
})

test('a self-signed certificate counts only where a key holds it and the tenant allows it', async () => {
  const { store, tenants } = server.server.services
  const strict = await newTenant(server, 'lenient')
  const allow = (allowed: boolean) => store.write(tables => tables.tenants.setSelfSigned(strict.id, allowed))
  const prefix = '/tenants/lenient'
  const own = selfSigned('alone')
  const request = { 'key-type': 'certificate_external', 'X.509': own.pem }
  await assert.rejects(newKey(server, request, {}, strict), /self-signed, and the tenant allows none/)
  await allow(true)
  await tenants.settled()
  const lenient = tenants.byName('lenient')!
  await assert.rejects(
    newKey(server, { ...request, 'certificate-pinning': false }, {}, lenient),
    /self-signed certificate must be pinned/,
  )
  const { clientid, warnings } = await newKey(server, request, {}, lenient)
  assert.match(warnings[0]!, /because this key holds it/)
  assert.equal((await askWith(server, own, { client_id: clientid }, { prefix })).status, 200)
  await assertUnknown(await askWith(server, selfSigned('alone'), {}, { prefix }), /no service key/, strict.id)
  await assertUnknown(await askWith(server, own), /no service key/)

  await allow(false)
  const refused = await askWith(server, own, {}, { prefix })
  const record = await assertUnknown(refused, /self-signed, and the tenant allows none/, strict.id)
  assert.match(record.hint!, /--allow-self-signed/)
  assert.equal(record.clientId, clientid)
})

test('a self-signed certificate ends on its day like any other', async () => {
  const { store, tenants } = server.server.services
  const tenant = await newTenant(server, 'ending')
  await store.write(tables => tables.tenants.setSelfSigned(tenant.id, true))
  await tenants.settled()
  const own = selfSigned('ending', { notAfter: server.now() + day })
  const request = { 'key-type': 'certificate_external', 'X.509': own.pem }
  await newKey(server, request, {}, tenants.byName('ending')!)
  const prefix = '/tenants/ending'
  assert.equal((await askWith(server, own, {}, { prefix })).status, 200)
  server.advance(day + 1000)
  await assertUnknown(await askWith(server, own, {}, { prefix }), /is valid from .* to .* only/, tenant.id)
})

test('metadata names the methods and the addresses that ask for a certificate', async () => {
  for (const base of [server.url, server.mtlsUrl]) {
    const answer = await callUrl(`${base}/.well-known/oauth-authorization-server`, server.ca, {})
    const told = answer.json()
    assert.equal(told.issuer, server.url)
    assert.equal(told.tls_client_certificate_bound_access_tokens, true)
    assert.deepEqual(told.mtls_endpoint_aliases, {
      token_endpoint: `${server.mtlsUrl}/oauth/token`,
      introspection_endpoint: `${server.mtlsUrl}/oauth/introspect`,
      revocation_endpoint: `${server.mtlsUrl}/oauth/revoke`,
    })
    const methods = told.token_endpoint_auth_methods_supported as string[]
    for (const method of ['tls_client_auth', 'self_signed_tls_client_auth'])
      assert.ok(methods.includes(method))
  }
})

test('a certificate client asks about its tokens, and revokes them, with nothing but its certificate', async () => {
  const { access_token: token } = (await askWith(server, sender)).json<{ access_token: string }>()
  const ask = (path: string, by: Sender) => callMtls(server, path, by, { method: 'POST', body: { token } })
  assert.equal((await ask('/oauth/introspect', sender)).json().active, true)
  const stranger = ca.issue()
  assert.equal((await ask('/oauth/introspect', stranger)).status, 401)
  assert.equal((await ask('/oauth/revoke', stranger)).status, 401)
  assert.equal((await ask('/oauth/revoke', sender)).status, 200)
  assert.equal((await ask('/oauth/introspect', sender)).json().active, false)
})
