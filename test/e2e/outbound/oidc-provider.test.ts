import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
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
import { type OidcProvider, startOidcProvider } from '../../support/oidc-provider.ts'
import { newRoot, pemOf, pkcs8 } from '../../support/senders.ts'
import { opensslCertificates } from '../../support/token-server.ts'
import { partsOf } from '../token-server/world.ts'

// countersign/client at a token server of others.
const pki = opensslCertificates()
const clients = newRoot('clients of others')
const holder = clients.issue({ cn: 'holder' })
const stranger = newRoot('of nobody').issue({ cn: 'holder' })
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })

let provider: OidcProvider
before(async () => {
  provider = await startOidcProvider({
    tls: { cert: pki.serverCert, key: pki.serverKey },
    clientRoot: clients.pem,
    certificateSubject: 'O=Example\nCN=holder',
    jwks: {
      keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'of-signer', alg: 'ES256', use: 'sig' }],
    },
  })
})
after(() => provider.stop())

async function clientBy(auth: ClientAuth): Promise<TokenClient> {
  return tokenClientFromIssuer(provider.issuer, { auth, tls: { ca: pki.ca }, scope: 'orders.read' })
}

const certificate = (own: typeof holder) => ({ cert: pemOf(own.der), key: pkcs8(own.pair) })
const ways: Readonly<Record<string, () => ClientAuth>> = {
  basic: () => clientSecretBasic('basic', provider.secret),
  post: () => clientSecretPost('post', provider.secret),
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
      [provider.issuer, clientId, 'https://orders.example', 'orders.read'],
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
  'a client that is not there': () => clientSecretPost('nobody', provider.secret),
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
