import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { statSync } from 'node:fs'
import { after, test } from 'node:test'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { tenantKeyContext } from '../../../src/core/tokens/keyring.ts'
import { orThrow } from '../../support/server.ts'
import { bytesOf, startAdminWorld } from './world.ts'

const { directory, server, services, admin, newKey, close } = await startAdminWorld()
after(close)

/** A value in every form in which a program writes bytes down. */
const formsOf = (bytes: Buffer): (Buffer | string)[] => [
  bytes,
  bytes.toString('hex'),
  bytes.toString('base64').slice(0, -4),
  bytes.toString('base64url').slice(0, -4),
]

test('no private key, no inner key and no secret stands in the files of the store', async () => {
  for (const signingAlgorithm of ['ES256', 'RS256', 'PS256', 'EdDSA'])
    orThrow(
      await createTenant({ name: `with-${signingAlgorithm.toLowerCase()}`, signingAlgorithm }, services),
    )
  const key = await newKey('used')
  const tokens = [await server.token(key), await server.token(key, { token_format: 'opaque' })]
  await server.call('/oauth/revoke', {
    method: 'POST',
    body: { token: tokens[0]!, client_id: key.clientid, client_secret: key.clientsecret },
  })
  await admin.call('POST', '/signing-keys/rotation', { now: true })
  await services.journal.flush()
  const files = bytesOf(directory)
  let looked = 0
  for (const tenant of await services.store.read.tenants.list())
    for (const row of await services.store.read.tenantKeys.list(tenant.id)) {
      assert.ok(files.includes(row.id), 'the files that are searched are the right ones')
      const plain = services.vault.open(tenantKeyContext(row), row.sealed)
      const secrets = [plain]
      if (row.use === 'sig') {
        const jwk = createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' })
        for (const part of [jwk.d, jwk.p, jwk.q]) if (part) secrets.push(Buffer.from(part, 'base64url'))
      }
      for (const secret of secrets)
        for (const form of formsOf(secret)) {
          looked++
          assert.ok(!files.includes(form), `${row.use} ${row.algorithm}`)
        }
    }
  assert.ok(looked > 50)
  for (const inner of [services.vault.pepper, services.vault.csrf])
    for (const form of formsOf(inner)) assert.ok(!files.includes(form))
  for (const text of [key.clientsecret, ...tokens, 'PRIVATE KEY', '"d":'])
    assert.ok(!files.includes(text), text)
})

test('the files are for their owner only', () => {
  for (const name of ['countersign.db', 'journal.db'])
    assert.equal(statSync(`${directory}/${name}`).mode & 0o077, 0, name)
})
