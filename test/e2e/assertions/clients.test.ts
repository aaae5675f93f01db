import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { SignJWT } from 'jose'
import { algorithmNames } from '../../../src/crypto/algorithms.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { newTenant } from '../token-server/world.ts'
import { assertRefused, assertToken, jwkOf, newSigner, present, registered } from './world.ts'

const run = promisify(execFile)

let server: TestServer
let directory: string
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-assertions-'))
  server = await startTestServer()
  writeFileSync(join(directory, 'ca.pem'), server.ca)
  await newTenant(server, 'other')
})
after(async () => {
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Runs a client as its user would: in a process of its own, with nothing secret but its private key. */
async function client(program: string, env: Record<string, string>): Promise<Record<string, unknown>> {
  const path = join(import.meta.dirname, '../clients/programs', `${program}.mjs`)
  const { stdout } = await run(process.execPath, [path], {
    env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'), ...env },
  })
  return JSON.parse(stdout)
}

async function senderOf(alg: string, tenantName = 'default') {
  const tenant = server.server.services.tenants.byName(tenantName)!
  const signer = newSigner(alg)
  const { clientid } = await registered(server, [signer], {}, tenant)
  const jwk = { ...signer.privateKey.export({ format: 'jwk' }), kid: signer.header.kid }
  const ISSUER = tenantName === 'default' ? server.url : `${server.url}/tenants/${tenantName}`
  return { ISSUER, CLIENT_ID: clientid, ALG: alg, PRIVATE_JWK: JSON.stringify(jwk) }
}

for (const ALGORITHM of ['oauth2', 'oidc']) {
  test(`openid-client gets tokens by private_key_jwt after ${ALGORITHM} discovery`, async () => {
    for (const tenant of ['default', 'other']) {
      const token = await client('openid-client-assertion', {
        ...(await senderOf('ES256', tenant)),
        ALGORITHM,
      })
      assert.equal(token.scope, 'ESBMessaging.send')
    }
  })

  test(`oauth4webapi gets, introspects and revokes tokens by private_key_jwt after ${ALGORITHM} discovery`, async () => {
    for (const tenant of ['default', 'other']) {
      const answer = await client('oauth4webapi-assertion', {
        ...(await senderOf('ES256', tenant)),
        ALGORITHM,
      })
      assert.deepEqual([answer.activeBefore, answer.activeAfter], [true, false])
    }
  })
}

test('they do so with each algorithm', async () => {
  const runs = algorithmNames.map(async alg => {
    const token = await client('openid-client-assertion', { ...(await senderOf(alg)), ALGORITHM: 'oauth2' })
    assert.equal(token.scope, 'ESBMessaging.send')
  })
  await Promise.all(runs)
})

test('they see a refusal as a refusal', async () => {
  const env = { ...(await senderOf('ES256')), ALGORITHM: 'oauth2' }
  const { PRIVATE_JWK } = await senderOf('ES256')
  for (const program of ['openid-client-assertion', 'oauth4webapi-assertion'])
    await assert.rejects(client(program, { ...env, PRIVATE_JWK }), /401|invalid_client|WWW-Authenticate/)
})

test('assertions that jose makes are taken, with each algorithm', async () => {
  for (const alg of algorithmNames) {
    const signer = newSigner(alg)
    const { clientid } = await registered(server, [signer])
    const make = (audience: string) =>
      new SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg, kid: String(jwkOf(signer).kid), typ: 'client-authentication+jwt' })
        .setIssuer(clientid)
        .setSubject(clientid)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('60s')
        .sign(signer.privateKey)
    assertToken(await present(server, await make(server.url)))
    await assertRefused(server, await present(server, await make('https://attacker.example')), /aud is/)
  }
})
