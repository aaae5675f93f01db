import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { buildName } from '../../../src/crypto/names.ts'
import { encodePem } from '../../../src/crypto/pem.ts'
import { certificateThumbprint } from '../../../src/crypto/thumbprint.ts'
import { chainOf, keyPair } from '../../support/chains.ts'
import { basicOf, password } from '../../support/identity.ts'
import { opensslPkcs12 } from '../../support/pkcs12.ts'
import type { CallOptions } from '../../support/server.ts'
import { oidc, wholeIdentity } from '../../support/whole-identity.ts'

const day = 86_400_000
const valid = { notBefore: Date.now() - day, notAfter: Date.now() + day }
const pemOf = (ders: readonly Buffer[]) => ders.map(der => encodePem('CERTIFICATE', der)).join('')
const keyOf = (number: number) =>
  keyPair('P-256', number).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

const withUser = {
  CAMUNDA_SECURITY_INITIALIZATION_USERS_0_USERNAME: 'alice',
  CAMUNDA_SECURITY_INITIALIZATION_USERS_0_PASSWORD: password,
}

describe('the first administrator', () => {
  const json = { username: 'root', password }
  const setup = (headers: Record<string, string> = {}) => ({ json, headers })

  test('is made by nobody who comes by way of a proxy, or of a page of another site', async t => {
    const { ask } = await wholeIdentity(t, { SERVER_PORT: '0' }, 'public')
    for (const headers of [
      { 'X-Forwarded-Host': 'a' },
      { 'X-Envoy-External-Address': '1.2.3.4' },
      { 'CF-Connecting-IP': '1.2.3.4' },
      { Host: 'attacker.example:8080' },
      { Host: 'localhost.attacker.example' },
      { 'Sec-Fetch-Site': 'cross-site' },
    ] as Record<string, string>[])
      assert.equal((await ask('POST', '/v2/setup/user', setup(headers))).status, 403, JSON.stringify(headers))
    assert.equal((await ask('POST', '/v2/setup/user', setup())).status, 201)
  })

  test('is not made through the port of the proxies, however silent they are', async t => {
    const { ask } = await wholeIdentity(t, { SERVER_PORT: '0' }, 'proxy')
    assert.equal((await ask('POST', '/v2/setup/user', setup())).status, 403)
  })
})

describe('a session', () => {
  const form = { username: 'alice', password }

  test('that comes twice is not as if there were none', async t => {
    const { ask } = await wholeIdentity(t, {
      ...withUser,
      CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI: 'true',
    })
    const { headers } = await ask('POST', '/login', { body: form })
    const [cookie] = String(headers['set-cookie']).split(';')
    const me = (Cookie: string) => ask('GET', '/v2/authentication/me', { headers: { Cookie } })
    assert.equal((await me(cookie!)).json().username, 'alice')
    assert.equal((await me(`${cookie}; camunda-session=tossed`)).status, 401)
    assert.equal((await me('camunda-session=tossed')).status, 401)
  })
})

describe('signing in', () => {
  test('is nothing that another site can do for somebody', async t => {
    const { ask } = await wholeIdentity(t, withUser)
    const login = async (headers: Record<string, string>) =>
      (await ask('POST', '/login', { body: { username: 'alice', password }, headers })).status
    for (const site of ['cross-site', 'same-site']) assert.equal(await login({ 'Sec-Fetch-Site': site }), 403)
    for (const origin of ['https://attacker.example', 'null'])
      assert.equal(await login({ Origin: origin }), 403)
    assert.equal(await login({ 'Sec-Fetch-Site': 'same-origin' }), 204)
    assert.equal(await login({ Origin: 'https://here.example', Host: 'here.example' }), 421)
    assert.equal(await login({}), 204)
  })
})

describe('where users have no passwords', () => {
  test('nobody on the machine makes himself the first administrator', async t => {
    const { ask } = await oidc(t)
    assert.equal(
      (await ask('POST', '/v2/setup/user', { json: { username: 'mallory', password } })).status,
      403,
    )
  })
})

describe('where connections without a certificate are refused', () => {
  test('other ports do not have the addresses of the service', async t => {
    const need = {
      ...withUser,
      SERVER_SSL_ENABLED: 'true',
      SERVER_SSL_CLIENT_AUTH: 'need',
      SERVER_SSL_CERTIFICATE: '/certs/server.pem',
      SERVER_SSL_CERTIFICATE_PRIVATE_KEY: '/certs/server-key.pem',
      SERVER_SSL_TRUST_CERTIFICATE: '/certs/ca.pem',
    }
    const headers = { Authorization: basicOf('alice') }
    const { at, ask } = await wholeIdentity(t, need)
    for (const listener of ['public', 'mtls', 'proxy', 'plain', 'pki'] as const) {
      const elsewhere = await at(listener)
      for (const path of ['/v2/authentication/me', '/tenants/default/v2/authentication/me', '/login'])
        assert.equal((await elsewhere('GET', path, { headers })).status, 404, `${listener} ${path}`)
    }
    assert.equal((await ask('GET', '/v2/authentication/me', { headers })).status, 200)
  })
})

describe('the service as whoever shows nothing', () => {
  test('is for programs here, which show nothing at all', async t => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-test-'))
    t.after(() => rmSync(directory, { recursive: true }))
    const keystore = join(directory, 'client.p12')
    const key = keyPair('RSA 2048', 7)
    const [root, leaf] = chainOf([valid, { ...valid, key }])
    writeFileSync(keystore, opensslPkcs12({ ...key, chain: [leaf!, root!] }))
    const given = 'CAMUNDA_SECURITY_AUTHENTICATION_OIDC_CLIENT_ASSERTION_KEYSTORE'
    const env = {
      CAMUNDA_SECURITY_CERT_AUTH_ENABLED: 'true',
      CAMUNDA_SECURITY_AUTHENTICATION_OIDC_GRANTTYPE: 'client_credentials',
      CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI: 'true',
      [`${given}_PATH`]: keystore,
      [`${given}_PASSWORD`]: 'secret',
    }
    const { ask } = await oidc(t, env)
    const asWhom = async (headers: Record<string, string>) => {
      const { status, json } = await ask('GET', '/v2/authentication/me', { headers })
      return status === 200 ? json().username : status
    }
    assert.equal(await asWhom({}), 'service')
    for (const headers of [
      { 'X-Forwarded-For': '127.0.0.1' },
      { Via: '1.1 proxy' },
      { 'Sec-Fetch-Site': 'cross-site' },
    ] as Record<string, string>[])
      assert.equal(await asWhom(headers), null, JSON.stringify(headers))
    for (const headers of [
      { Cookie: 'camunda-session=a; camunda-session=b' },
      { Cookie: 'camunda-session=a' },
      { Authorization: '' },
      { Authorization: 'Basic YTpi' },
    ] as Record<string, string>[])
      assert.equal(await asWhom(headers), 401, JSON.stringify(headers))
    const proxied = await oidc(t, env, 'proxy')
    const { status, json } = await proxied.ask('GET', '/v2/authentication/me')
    assert.deepEqual([status, json().username], [200, null])
  })
})

describe('a session of a token that is bound to a certificate', () => {
  test('is worth nothing without it', async t => {
    const [root, leaf] = chainOf([valid, { ...valid, cn: 'alice' }])
    const { ask, token } = await oidc(t)
    const certificate = { cert: pemOf([leaf!, root!]), key: keyOf(1) }
    const bound = await token({ cnf: { 'x5t#S256': certificateThumbprint(leaf!) } })
    const { headers } = await ask('POST', '/login', {
      headers: { Authorization: `Bearer ${bound}` },
      certificate,
    })
    const [cookie] = String(headers['set-cookie']).split(';')
    const me = async (more: CallOptions) =>
      (await ask('GET', '/v2/authentication/me', { headers: { Cookie: cookie! }, ...more })).status
    assert.equal(await me({ certificate }), 200)
    assert.equal(await me({}), 401)
  })
})

describe('a certificate', () => {
  test('has the name that its authority gave it, and one', async t => {
    const subjects: [string, Buffer][] = [
      ['alice', buildName([{ type: 'CN', value: 'alice' }])],
      [
        'mallory',
        buildName([
          { type: 'CN', value: 'mallory' },
          { type: 'O', value: 'CN=admin' },
        ]),
      ],
      ['', buildName([{ type: 'O', value: 'CN=admin' }])],
      [
        '',
        buildName([
          { type: 'CN', value: 'mallory' },
          { type: 'CN', value: 'admin' },
        ]),
      ],
      ['', buildName([{ type: 'CN', value: 'admin, Mallory' }])],
    ]
    const [root] = chainOf([valid])
    for (const more of [{}, { CAMUNDA_SECURITY_AUTHENTICATION_MTLS_SUBJECT_DN_PATTERN: 'CN=(.*?)(?:,|$)' }]) {
      const { ask } = await wholeIdentity(t, {
        CAMUNDA_SECURITY_AUTHENTICATION_MTLS_ENABLED: 'true',
        CAMUNDA_SECURITY_AUTHENTICATION_MTLS_TRUSTEDCERTIFICATES: pemOf([root!]),
        ...more,
      })
      for (const [name, subject] of subjects) {
        const [, leaf] = chainOf([valid, { ...valid, subject }])
        const certificate = { cert: pemOf([leaf!]), key: keyOf(1) }
        const { status, json } = await ask('GET', '/v2/authentication/me', { certificate })
        assert.equal(status === 200 ? json().username : '', name)
      }
    }
  })
})
