import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  createTokenClient,
  entraCertificate,
  type TokenClient,
  tokenClientFromIssuer,
} from '../../../src/client/index.ts'
import type { Application } from '../../../src/core/applications/index.ts'
import { pkcs8, type Sender } from '../../support/senders.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { grant, holdCertificate, newApp, newCertificate, tokenUrl } from '../entra/world.ts'
import { partsOf } from '../token-server/world.ts'

// countersign/client at a token server that speaks as Microsoft Entra does.
let server: TestServer
let app: Application
let orders: Application
const certificate: Sender = newCertificate('ours')
const stranger: Sender = newCertificate('stranger')
before(async () => {
  server = await startTestServer()
  orders = await newApp(server, { name: 'orders', appRoles: [{ value: 'Orders.Read' }] })
  app = await newApp(server)
  await holdCertificate(server, app, certificate)
  await grant(server, app, orders, 'Orders.Read')
})
after(() => server.close())

type More = Partial<Parameters<typeof entraCertificate>[1]>
const authOf = (own: Sender, more: More = {}) =>
  entraCertificate(app.clientId, { key: pkcs8(own.pair), certificate: own.der, ...more })
const common = () => ({ scope: `${orders.clientId}/.default`, tls: { ca: server.ca }, clock: server.now })

async function assertToken(client: TokenClient): Promise<void> {
  const { value } = await client.token()
  client.close()
  const { claims } = partsOf(value)
  assert.deepEqual([claims.azp, claims.azpacr, claims.roles], [app.clientId, '2', ['Orders.Read']])
}

const forms: Readonly<Record<string, More>> = {
  'PS256 and SHA-256': {},
  'RS256 and SHA-1': { algorithm: 'RS256' },
  'the certificate itself': { sendCertificate: true },
}
for (const [form, more] of Object.entries(forms))
  test(`a certificate gets a token for what it was granted, by ${form}`, async () => {
    const url = tokenUrl(server, server.tenant)
    await assertToken(createTokenClient({ tokenUrl: url, auth: authOf(certificate, more), ...common() }))
  })

test('the token endpoint is found by the issuer', async () => {
  const issuer = `${server.url}/${server.tenant.guid}/v2.0`
  await assertToken(await tokenClientFromIssuer(issuer, { auth: authOf(certificate), ...common() }))
})

test('a refusal is told in the words and with the number of Entra', async () => {
  const client = createTokenClient({
    tokenUrl: tokenUrl(server, server.tenant),
    auth: authOf(stranger),
    ...common(),
  })
  await assert.rejects(client.token(), { code: 'refused', error: 'invalid_client', message: /AADSTS700027/ })
  client.close()
})
