import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import {
  type ClientAuth,
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
  type TokenClient,
  tlsClientAuth,
  tokenClientFromIssuer,
} from '../../../src/client/index.ts'
import { newRoot, pemOf, pkcs8 } from '../../support/senders.ts'
import { opensslCertificates } from '../../support/token-server.ts'
import { partsOf } from '../token-server/world.ts'

// countersign/client at a token server of others, as its owner runs it.
const program = join(import.meta.dirname, '..', '..', 'interop', 'programs', 'oidc-provider.mjs')
const pki = opensslCertificates()
const clients = newRoot('clients of others')
const holder = clients.issue({ cn: 'holder' })
const stranger = newRoot('of nobody').issue({ cn: 'holder' })
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })

let child: ChildProcess
let issuer: string
let secret: string
before(async () => {
  const options = {
    tls: { cert: pki.serverCert, key: pki.serverKey },
    clientRoot: clients.pem,
    certificateSubject: 'O=Example\nCN=holder',
    jwks: {
      keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'of-signer', alg: 'ES256', use: 'sig' }],
    },
  }
  child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  ;({ issuer, client_secret: secret } = JSON.parse(line))
})
after(async () => {
  child.stdin!.end()
  await once(child, 'exit')
})

async function clientBy(auth: ClientAuth): Promise<TokenClient> {
  return tokenClientFromIssuer(issuer, { auth, tls: { ca: pki.ca }, scope: 'orders.read' })
}

const certificate = (own: typeof holder) => ({ cert: pemOf(own.der), key: pkcs8(own.pair) })
const ways: Readonly<Record<string, () => ClientAuth>> = {
  basic: () => clientSecretBasic('basic', secret),
  post: () => clientSecretPost('post', secret),
  signer: () => privateKeyJwt('signer', { key: key.privateKey, keyId: 'of-signer' }),
  holder: () => tlsClientAuth('holder', certificate(holder)),
}

for (const [clientId, auth] of Object.entries(ways))
  test(`client ${clientId} gets a token, and keeps it`, async t => {
    const client = await clientBy(auth())
    t.after(() => client.close())
    const token = await client.token()
    assert.equal(await client.token(), token)
    const { claims } = partsOf(token.value)
    assert.deepEqual(
      [claims.iss, claims.client_id, claims.aud, claims.scope],
      [issuer, clientId, 'https://orders.example', 'orders.read'],
    )
    assert.equal(token.scope, 'orders.read')
    assert.deepEqual(claims.cnf, clientId === 'holder' ? { 'x5t#S256': holder.thumbprint } : undefined)
    assert.notEqual((await client.token({ fresh: true })).value, token.value)
  })

test('a token that is bound comes with the certificate that it is bound to', async t => {
  const client = await clientBy(ways.holder!())
  t.after(() => client.close())
  const { tls } = await client.credentials()
  assert.equal(tls.cert, pemOf(holder.der))
})

const wrong: Readonly<Record<string, () => ClientAuth>> = {
  'a wrong secret': () => clientSecretBasic('basic', 'wrong'),
  'a client that is not there': () => clientSecretPost('nobody', secret),
  'an assertion of another key': () =>
    privateKeyJwt('signer', {
      key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      keyId: 'of-signer',
    }),
  'a certificate of another root': () => tlsClientAuth('holder', certificate(stranger)),
  'no certificate': () => tlsClientAuth('holder'),
}
for (const [what, auth] of Object.entries(wrong))
  test(`${what} is refused in the words of the server`, async t => {
    const client = await clientBy(auth())
    t.after(() => client.close())
    await assert.rejects(client.token(), {
      name: 'TokenError',
      code: 'refused',
      error: 'invalid_client',
      status: 401,
    })
  })
