import assert from 'node:assert/strict'
import { generateKeyPairSync, hash, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { newRoot } from '../../../../test/support/senders.ts'
import type { Transactions } from '../../store.ts'
import type { KeyCertificateTable } from '../certificates.ts'
import type { Client } from '../client.ts'
import { amongCertificates, certificateKey } from './certificate-keys.ts'
import { createAssertionKeys, type KeySetRow, type KeySetTable, type RemoteKeySets } from './keys.ts'

const ca = newRoot('of keys')
const senders = [ca.issue(), ca.issue()]
const keys = senders.map(({ der, thumbprint }) => certificateKey('credential', der, thumbprint))
const [first, second] = keys
const idsOf = (found: readonly { id: string }[] | string) =>
  typeof found === 'string' ? found : found.map(({ id }) => id)

test('a header that names nothing means all certificates, one that names one means that one', () => {
  assert.deepEqual(idsOf(amongCertificates(keys, {})), idsOf(keys))
  assert.deepEqual(idsOf(amongCertificates(keys, { 'x5t#S256': senders[1]!.thumbprint })), [second!.id])
  const x5t = hash('sha1', senders[0]!.der, 'base64url')
  assert.deepEqual(idsOf(amongCertificates(keys, { x5t, kid: 'whatever' })), [first!.id])
  assert.match(String(amongCertificates(keys, { x5t: 'AAAA' })), /no certificate of the key/)
})

test('thumbprints may be written in plain base64, and certificates in lines', () => {
  // So that both letters in which the alphabets differ, and the padding, are among them.
  const named = Array.from({ length: 40 }, () => ca.issue()).map(({ der, thumbprint }) =>
    certificateKey('credential', der, thumbprint),
  )
  for (const { id, certificate } of named) {
    const sha1 = hash('sha1', certificate.der, 'base64')
    const sha256 = hash('sha256', certificate.der, 'base64')
    const lines = certificate.der.toString('base64').replace(/.{64}/g, '$&\r\n')
    for (const header of [{ x5t: sha1 }, { 'x5t#S256': sha256 }, { kid: sha256 }, { x5c: [lines] }])
      assert.deepEqual(idsOf(amongCertificates(named, header)), [id])
  }
})

test('x5c brings its chain along where its first is registered, and no more than ten', () => {
  const leaf = senders[0]!.der.toString('base64')
  const more = Array.from({ length: 30 }, () => ca.der.toString('base64'))
  const found = amongCertificates(keys, { x5c: [leaf, ...more] })
  assert.ok(typeof found !== 'string')
  assert.equal(found[0]!.certificate.chain.length, 10)
  assert.deepEqual(found[0]!.certificate.chain[0], ca.der)
  // The registered one is not changed by what somebody sends.
  assert.equal(first!.certificate.chain.length, 0)
})

const jwk = (key: KeyObject, more: object) => ({ ...key.export({ format: 'jwk' }), ...more })
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey

/** One client with this set; counts what is read. */
function world(row: Omit<KeySetRow, 'credentialId'>, remote: Partial<RemoteKeySets> = {}) {
  const count = { reads: 0 }
  const keySets: Partial<KeySetTable> = {
    async find(credentialId) {
      count.reads++
      return { credentialId, ...row }
    },
  }
  const read = { keySets, keyCertificates: {} as KeyCertificateTable }
  const store = { read } as unknown as Transactions<{
    keyCertificates: KeyCertificateTable
    keySets: KeySetTable
  }>
  const found = createAssertionKeys(store, remote as RemoteKeySets)
  const client = { type: 'jwks', credentialId: 'c', certificates: [] } as unknown as Client
  return { found, client, count }
}

const held = {
  jwks: JSON.stringify({ keys: [jwk(ec, { kid: 'ec' }), jwk(rsa, { kid: 'rsa', alg: 'PS256' })] }),
  jwksUri: undefined,
}

test('of a set, kid and algorithm choose; without a kid the algorithm alone', async () => {
  const { found, client } = world(held)
  const ids = async (header: object, alg: string) => idsOf(await found.find(client, { ...header }, alg))
  assert.deepEqual(await ids({ kid: 'ec' }, 'ES256'), ['c ec'])
  assert.deepEqual(await ids({}, 'ES256'), ['c ec'])
  assert.deepEqual(await ids({}, 'PS256'), ['c rsa'])
  assert.match(String(await ids({}, 'RS256')), /is one for RS256/)
  assert.match(String(await ids({ kid: 'ec' }, 'PS256')), /is one for PS256/)
  assert.match(String(await ids({ kid: 'other' }, 'ES256')), /no key of the set has its kid/)
  assert.match(String(await ids({ kid: 1 }, 'ES256')), /no text/)
})

test('a set is read once for a client, and again for the client that a change makes', async () => {
  const { found, client, count } = world(held)
  for (let i = 0; i < 3; i++) await found.find(client, {}, 'ES256')
  assert.equal(count.reads, 1)
  await found.find({ ...client }, {}, 'ES256')
  assert.equal(count.reads, 2)
})

test('a set elsewhere is asked for kid and algorithm, and never without a kid', async () => {
  const asked: unknown[] = []
  const remote: RemoteKeySets = {
    async find(...question) {
      asked.push(question)
      return ec
    },
  }
  const { found, client } = world({ jwks: undefined, jwksUri: 'https://keys.example/' }, remote)
  assert.deepEqual(idsOf(await found.find(client, { kid: 'k' }, 'ES256')), ['c k'])
  assert.match(String(await found.find(client, {}, 'ES256')), /has no kid/)
  assert.deepEqual(asked, [['https://keys.example/', 'k', 'ES256']])
})

test('a reading that failed is tried again', async () => {
  const { found, client, count } = world({ ...held, jwks: '{' })
  for (let i = 0; i < 2; i++) await assert.rejects(found.find(client, {}, 'ES256'))
  assert.equal(count.reads, 2)
})
