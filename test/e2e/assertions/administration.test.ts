import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { algorithm } from '../../../src/crypto/algorithms.ts'
import { startReceiver } from '../../support/receiver.ts'
import { askWith, newRoot, sendWith, trust } from '../../support/senders.ts'
import { startAdminWorld, told } from '../admin/world.ts'
import {
  assertRefused,
  assertToken,
  claimsOf,
  jwkOf,
  newSigner,
  present,
  type Signer,
  signed,
} from './world.ts'

const { server, admin, services, close } = await startAdminWorld()
const receiver = await startReceiver()
after(async () => {
  await close()
  await receiver.close()
})

interface KeyAnswer {
  readonly clientid: string
  readonly type: string
  readonly pinned: boolean | null
  readonly keys: readonly { kid: string; algorithms: string[]; lastUsedAt: string | null }[]
  readonly jwksUri: string | null
  readonly certificates: readonly { thumbprint: string; lastUsedAt: string | null }[]
  readonly lastUsedAt: string | null
}

const create = async (instance: string, parameters: object = {}) => {
  const answer = await admin.call('POST', '/instances', { name: instance, parameters })
  assert.equal(answer.status, 201, answer.text)
  return answer.json()
}
const createKey = (instance: string, parameters: object, name = 'key') =>
  admin.call('POST', `/instances/${instance}/keys`, { name, parameters })
const show = async (instance: string, name = 'key') => {
  await services.journal.flush()
  return (await admin.call('GET', `/instances/${instance}/keys/${name}`)).json<KeyAnswer>()
}
const by = (signer: Signer, clientId: string, more = {}) =>
  present(server, signed(signer, claimsOf(server, clientId, more)))

test('a key of type jwks is shown with its public keys, and when each was used last', async () => {
  await create('sets')
  const [one, two] = [newSigner('ES256', 'one'), newSigner('RS256', 'two')]
  const { alg: _, ...withoutAlg } = jwkOf(two)
  const made = await createKey('sets', { 'key-type': 'jwks', jwks: { keys: [jwkOf(one), withoutAlg] } })
  assert.equal(made.status, 201, made.text)
  const { clientid, tokenurl } = made.json<{ clientid: string; tokenurl: string }>()
  assert.equal(tokenurl, `${server.url}/oauth/token`)
  const before = await show('sets')
  assert.deepEqual(before.keys, [
    { kid: 'one', algorithms: ['ES256'], lastUsedAt: null },
    { kid: 'two', algorithms: ['RS256', 'PS256'], lastUsedAt: null },
  ])
  assert.deepEqual([before.type, before.pinned, before.jwksUri], ['jwks', null, null])

  assertToken(await by(two, clientid))
  await assertRefused(server, await by(one, clientid, { exp: 0 }), /expired/)
  const after = await show('sets')
  assert.equal(after.keys[0]!.lastUsedAt, null, 'what was refused is no use')
  assert.ok(Date.parse(after.keys[1]!.lastUsedAt!) <= server.now())
  assert.equal(after.lastUsedAt !== null, true)
  // Without a kid in the header it is still known which one it was.
  assertToken(await present(server, signed(one, claimsOf(server, clientid), { kid: undefined })))
  assert.notEqual((await show('sets')).keys[0]!.lastUsedAt, null)
})

test('a rotation replaces the set; the key keeps its name and its client id', async () => {
  await create('turning')
  const [old, next] = [newSigner(), newSigner()]
  const made = await createKey('turning', { 'key-type': 'jwks', jwks: { keys: [jwkOf(old)] } })
  const { clientid } = made.json<{ clientid: string }>()
  const rotate = (parameters: object) =>
    admin.call('POST', '/instances/turning/keys/key/rotation', { parameters })
  const rotated = await rotate({ jwks: { keys: [jwkOf(next)] } })
  assert.equal(rotated.status, 201, rotated.text)
  assert.equal(rotated.json().clientid, clientid)
  assert.deepEqual(
    (await show('turning')).keys.map(({ kid }) => kid),
    [next.header.kid],
  )
  assertToken(await by(next, clientid))
  assert.equal((await rotate({ jwks_uri: 'https://keys.example/jwks' })).status, 201)
  const { keys, jwksUri } = await show('turning')
  assert.deepEqual([keys, jwksUri], [[], 'https://keys.example/jwks'])
  for (const parameters of [{}, { 'key-type': 'secret' }, { jwks: {} }, { validity: 30 }])
    assert.equal((await rotate(parameters)).status, 400)
})

test('a bad set is refused with what is wrong and what to do', async () => {
  await create('bad')
  const { privateKey } = newSigner()
  const answer = await createKey('bad', {
    'key-type': 'jwks',
    jwks: { keys: [privateKey.export({ format: 'jwk' })] },
  })
  assert.equal(answer.status, 400)
  assert.match(told(answer), /holds a private key: give the public half/)
  assert.ok(!answer.text.includes(String(privateKey.export({ format: 'jwk' }).d)), 'it is not repeated')
  assert.equal((await admin.call('GET', '/instances/bad/keys')).json<{ keys: [] }>().keys.length, 0)
})

test('of several certificates each has its own last use: by assertion, at the token endpoint, at a flow', async () => {
  const ca = newRoot('certificates')
  await trust(server, ca)
  await server.deploy({
    id: 'orders',
    sender: { adapter: 'HTTPS', address: '/orders' },
    receiver: { adapter: 'HTTP', url: receiver.origin },
  })
  const senders = [ca.issue({ cn: 'same' }), ca.issue({ cn: 'same' }), ca.issue({ cn: 'same' })] as const
  await create('certified')
  const made = await createKey('certified', { 'key-type': 'certificate_external', 'X.509': senders[0].pem })
  const { clientid } = made.json<{ clientid: string }>()
  for (const { pem } of senders.slice(1))
    await admin.call('POST', '/instances/certified/keys/key/rotation', { parameters: { 'X.509': pem } })
  const used = async () => {
    const { certificates } = await show('certified')
    const at = new Map(certificates.map(({ thumbprint, lastUsedAt }) => [thumbprint, lastUsedAt !== null]))
    return senders.map(({ thumbprint }) => at.get(thumbprint))
  }
  assert.deepEqual(await used(), [false, false, false])
  const [first, second, third] = senders
  const header = { 'x5t#S256': first.thumbprint }
  assertToken(await by({ alg: algorithm('ES256')!, privateKey: first.pair.privateKey, header }, clientid))
  assert.deepEqual(await used(), [true, false, false])
  assertToken(await askWith(server, second))
  assert.deepEqual(await used(), [true, true, false])
  assert.equal((await sendWith(server, third)).status, 200)
  assert.deepEqual(await used(), [true, true, true])
})

test('who may send what: settings of the instance, audited, and counted from the next request on', async () => {
  const made = await create('settings')
  assert.deepEqual([made['assertion-audience'], made['assertion-replay']], ['issuer', 'refused'])
  const signer = newSigner()
  const key = await createKey('settings', { 'key-type': 'jwks', jwks: jwkOf(signer) })
  const { clientid, tokenurl: aud } = key.json<{ clientid: string; tokenurl: string }>()
  const set = async (parameters: object) => {
    const answer = await admin.call('PATCH', '/instances/settings', { parameters })
    return answer.status === 200 ? answer.json() : answer
  }
  await assertRefused(server, await by(signer, clientid, { aud }), /aud is/)
  await set({ 'assertion-audience': 'token-endpoint' })
  assertToken(await by(signer, clientid, { aud }))
  await set({ 'assertion-replay': 'reported' })
  const assertion = signed(signer, claimsOf(server, clientid))
  for (let i = 0; i < 2; i++) assertToken(await present(server, assertion))
  const shown = (await admin.call('GET', '/instances/settings')).json()
  assert.deepEqual([shown['assertion-audience'], shown['assertion-replay']], ['token-endpoint', 'reported'])

  await set({ 'assertion-audience': 'issuer', 'assertion-replay': 'refused' })
  await assertRefused(server, await by(signer, clientid, { aud }), /aud is/)
  await assertRefused(server, await present(server, assertion), /was used before/)
  const lines = server.log.filter(
    ({ message, fields }) =>
      message === 'admin operation done' &&
      fields.operation === 'PATCH /instances/:instance' &&
      JSON.stringify(fields).includes('"token-endpoint"'),
  )
  assert.ok(lines.length >= 1, 'the change of the audience is in the log')
  for (const parameters of [{ 'assertion-audience': 'anybody' }, { 'assertion-replay': false }])
    assert.equal(((await set(parameters)) as { status: number }).status, 400)
})
