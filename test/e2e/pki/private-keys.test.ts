import assert from 'node:assert/strict'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { after, test } from 'node:test'
import { createTenant } from '../../../src/core/tenants/index.ts'
import { issued } from '../../support/senders.ts'
import { type Answer, orThrow } from '../../support/server.ts'
import { bytesOf, startAdminWorld } from '../admin/world.ts'
import { signingRequest } from './world.ts'

const { directory, server, services, admin, close } = await startAdminWorld()
after(close)

/** What of a private key nobody else may have, in every form in which a program writes bytes down. */
function formsOf(key: KeyObject): (Buffer | string)[] {
  const { d } = key.export({ format: 'jwk' })
  return [key.export({ format: 'der', type: 'pkcs8' }), Buffer.from(d!, 'base64url')].flatMap(bytes => [
    bytes,
    bytes.toString('hex'),
    bytes.toString('base64').slice(0, -4),
    bytes.toString('base64url').slice(0, -4),
  ])
}

const everything = async (): Promise<Buffer> => {
  await services.journal.flush()
  return Buffer.concat([bytesOf(directory), Buffer.from(JSON.stringify(server.log))])
}

test('a private key that is made for a sender is in the answer, once, and nowhere else: no file, no log, no later answer', async () => {
  await admin.call('POST', '/instances', { name: 'handed-out', plan: 'integration-flow' })
  const answers: Answer[] = []
  for (const length of [256, 384, 2048]) {
    const path = '/instances/handed-out/keys'
    const parameters = { 'key-type': 'certificate', 'key-length': length }
    answers.push(await admin.call('POST', path, { name: `key-${length}`, parameters }))
    answers.push(await admin.call('POST', `${path}/key-${length}/rotation`, {}))
  }
  const later = await Promise.all([
    admin.call('GET', '/instances/handed-out/keys'),
    admin.call('GET', '/instances/handed-out/keys/key-256'),
    admin.call('GET', '/audit'),
  ])
  const places = Buffer.concat([await everything(), ...later.map(({ bytes }) => bytes)])
  for (const answer of answers) {
    assert.equal(answer.status, 201, answer.text)
    assert.match(String(answer.headers['cache-control']), /no-store/)
    const { key, certificate } = answer.json<{ key: string; certificate: string }>()
    const own = createPrivateKey(key)
    assert.ok(certificate.startsWith('-----BEGIN CERTIFICATE-----\n'))
    for (const form of formsOf(own)) assert.ok(!places.includes(form))
    assert.ok(!places.includes(key.split('\n')[1]!))
  }
  assert.ok(places.includes('key-384'), 'the places that are searched are the right ones')
})

test('with a signing request there is no private key to hand out', async () => {
  const answer = await admin.call('POST', '/instances/handed-out/keys', {
    name: 'by-request',
    parameters: { 'key-type': 'certificate', csr: signingRequest('P-256') },
  })
  assert.equal(answer.status, 201)
  assert.ok(!('key' in answer.json()))
  assert.doesNotMatch(answer.text, /PRIVATE KEY/)
})

test('the keys of the authority stand in no file as they are, and each opens only in its own place', async () => {
  const acme = orThrow(await createTenant({ name: 'acme' }, services))
  await issued(server)
  const places = await everything()
  let looked = 0
  for (const { id } of [server.tenant, acme]) {
    const rows = await services.store.read.authorities.list(id)
    const { members } = await services.authorities.of(id)
    for (const member of members) {
      for (const form of formsOf(member.key())) assert.ok(!places.includes(form), member.role)
      looked++
    }
    assert.ok(rows.every(({ sealedKey }) => sealedKey && places.includes(sealedKey)))
    const [one, other] = rows
    const moved = { ...other!, sealedKey: one!.sealedKey }
    assert.throws(() =>
      services.vault.open(`countersign authority key ${moved.tenantId} ${moved.id}`, moved.sealedKey!),
    )
  }
  assert.equal(looked, 6)
})
