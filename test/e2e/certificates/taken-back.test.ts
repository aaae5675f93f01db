import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RevocationReason } from '../../../src/core/authority/index.ts'
import { revokeCertificate } from '../../../src/core/broker/index.ts'
import { buildCsr } from '../../../src/crypto/csr.ts'
import { encodePem } from '../../../src/crypto/pem.ts'
import { certificateThumbprint } from '../../../src/crypto/thumbprint.ts'
import { startReceiver } from '../../support/receiver.ts'
import { askWith, callMtls, derOf, issued, newPair, pkcs8 } from '../../support/senders.ts'
import { callUrl, orThrow, startTestServer, type TestServer } from '../../support/server.ts'

let server: TestServer
let receiver: Awaited<ReturnType<typeof startReceiver>>
before(async () => {
  server = await startTestServer()
  receiver = await startReceiver()
  await server.deploy({
    id: 'orders',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: receiver.origin },
  })
})
after(async () => {
  await server.close()
  await receiver.close()
})

type Credential = { readonly credential: { readonly cert: string; readonly key: string } }

/** A sender that renewed its certificate, and has a token got with the first one. */
async function renewed() {
  const first = await issued(server)
  const { access_token: token } = (await askWith(server, first)).json<{ access_token: string }>()
  const pair = newPair()
  const answer = await callMtls(server, '/pki/renew', first, {
    method: 'POST',
    body: encodePem('CERTIFICATE REQUEST', buildCsr({ subject: [], key: pair.privateKey })),
  })
  assert.equal(answer.status, 200)
  return { first, second: { credential: { cert: answer.text, key: pkcs8(pair) } }, token }
}

const revoke = async (sender: Credential, reason: RevocationReason) =>
  orThrow(
    await revokeCertificate(
      server.tenant,
      certificateThumbprint(derOf(sender.credential.cert)),
      reason,
      server.server.services,
    ),
  )

const tokenStatus = async (sender: Credential) => (await askWith(server, sender)).status
const callStatus = async (token: string) =>
  (
    await callUrl(`${server.url}/http/orders`, server.ca, {
      method: 'POST',
      body: 'x',
      headers: { Authorization: `Bearer ${token}` },
    })
  ).status

test('with a stolen key, the tokens end and so do the certificates that were issued after it', async () => {
  const { first, second, token } = await renewed()
  assert.deepEqual(
    [await tokenStatus(first), await tokenStatus(second), await callStatus(token)],
    [200, 200, 200],
  )
  await revoke(first, 'keyCompromise')
  assert.deepEqual(
    [await tokenStatus(first), await tokenStatus(second), await callStatus(token)],
    [401, 401, 401],
  )
})

test('a stolen successor leaves the certificate before it, but no token', async () => {
  const { first, second, token } = await renewed()
  await revoke(second, 'keyCompromise')
  assert.deepEqual(
    [await tokenStatus(first), await tokenStatus(second), await callStatus(token)],
    [200, 401, 401],
  )
})

test('a certificate that was only superseded takes nothing else along', async () => {
  const { first, second, token } = await renewed()
  await revoke(first, 'superseded')
  assert.deepEqual(
    [await tokenStatus(first), await tokenStatus(second), await callStatus(token)],
    [401, 200, 200],
  )
})

test('for any other reason the tokens end, and the successor stays', async () => {
  const { first, second, token } = await renewed()
  await revoke(first, 'unspecified')
  assert.deepEqual(
    [await tokenStatus(first), await tokenStatus(second), await callStatus(token)],
    [401, 200, 401],
  )
})
