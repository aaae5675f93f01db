import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createKey, deleteInstance, rotateKey } from '../../../src/core/broker/index.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { algorithm, publicJwk } from '../../../src/crypto/algorithms.ts'
import { jwkThumbprint } from '../../../src/crypto/thumbprint.ts'
import { type HeldKey, newKey } from '../../support/senders.ts'
import { orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { opensslCertificates, tokenServer } from '../../support/token-server.ts'
import {
  assertRefused,
  assertToken,
  type Claims,
  claimsOf,
  jwkOf,
  newSigner,
  present,
  registered,
  type Signer,
  signed,
} from './world.ts'

const certificates = opensslCertificates()
const tls = { cert: certificates.serverCert, key: certificates.serverKey }

let server: TestServer
before(async () => {
  server = await startTestServer({ outboundCa: certificates.ca })
})
after(() => server.close())

const ask = (by: Signer, { clientid }: Pick<HeldKey, 'clientid'>, header: Claims = {}) =>
  present(server, signed(by, claimsOf(server, clientid), header))

const rotate = (key: HeldKey, parameters: Record<string, unknown>) =>
  rotateKey(server.tenant, key.instance, 'key', { parameters }, server.server.services)

describe('a registered key set', () => {
  test('each of its keys signs, found by its kid', async () => {
    const signers = [newSigner('ES256', 'first'), newSigner('ES256', 'second'), newSigner('EdDSA', 'third')]
    const key = await registered(server, signers)
    for (const signer of signers) {
      assertToken(await ask(signer, key))
      assertToken(await ask(signer, key, { kid: undefined }))
    }
    // One of them under the name of another.
    await assertRefused(server, await ask(signers[0]!, key, { kid: 'second' }), /signature .* is wrong/)
    await assertRefused(server, await ask(signers[0]!, key, { kid: 'third' }), /is one for ES256/)
  })

  test('a rotation replaces the set: what is not in the new one is refused on the next request', async () => {
    const [old, next] = [newSigner(), newSigner()]
    const key = await registered(server, [old])
    await assertRefused(server, await ask(next, key), /no key of the set has its kid/)
    const { document } = orThrow(await rotate(key, { jwks: { keys: [old, next].map(jwkOf) } }))
    assert.equal(document.clientid, key.clientid)
    for (const signer of [old, next]) assertToken(await ask(signer, key))
    orThrow(await rotate(key, { jwks: { keys: [jwkOf(next)] } }))
    assertToken(await ask(next, key))
    await assertRefused(server, await ask(old, key), /no key of the set has its kid/)
  })

  test('a key without a kid is called by its thumbprint, a single key is a set of one, and JSON text will do', async () => {
    const signer = newSigner()
    const { kid: _, ...jwk } = jwkOf(signer)
    for (const jwks of [{ keys: [jwk] }, jwk, JSON.stringify({ keys: [jwk] })]) {
      const key = await newKey(server, { 'key-type': 'jwks', jwks })
      assertToken(await ask(signer, key))
      assertToken(await ask(signer, key, { kid: undefined }))
      const [held] = (key.document.jwks as { keys: Claims[] }).keys
      assert.equal(held!.kid, jwkThumbprint(publicJwk(signer.privateKey)))
    }
  })

  test('an RSA key without alg serves RS256 and PS256', async () => {
    const rsa = newSigner('RS256')
    const { alg: _, ...jwk } = jwkOf(rsa)
    const key = await newKey(server, { 'key-type': 'jwks', jwks: { keys: [jwk] } })
    for (const alg of ['RS256', 'PS256']) assertToken(await ask({ ...rsa, alg: algorithm(alg)! }, key))
  })

  test('two keys of one kind stay apart: the deleted one is nothing any more', async () => {
    const signer = newSigner()
    const [kept, gone] = [await registered(server, [signer]), await registered(server, [signer])]
    orThrow(await deleteInstance(server.tenant, gone.instance, server.server.services))
    assertToken(await ask(signer, kept))
    await assertRefused(server, await ask(signer, gone), /no client of this id/)
  })
})

describe('what is registered', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const good: Claims = { ...publicJwk(privateKey), kid: 'good' }
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
  const refused: [string, Record<string, unknown>, RegExp][] = [
    ['neither of the two', {}, /give jwks or jwks_uri/],
    ['both', { jwks: good, jwks_uri: 'https://keys.example/' }, /give jwks or jwks_uri/],
    ['a private key', { jwks: { keys: [privateKey.export({ format: 'jwk' })] } }, /holds a private key/],
    ['a secret', { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }, /holds a private key/],
    ['no key', { jwks: { keys: [] } }, /no JSON Web Key Set/],
    ['no set', { jwks: 'text' }, /no JSON Web Key Set/],
    ['a list', { jwks: [good] }, /no JSON Web Key Set/],
    ['a short RSA key', { jwks: { keys: [weak] } }, /1024|short|bits/],
    ['a point that is not on its curve', { jwks: { keys: [{ ...good, y: good.x }] } }, /broken/],
    [
      'a kind that is not known',
      { jwks: { keys: [{ kty: 'AKP', alg: 'ML-DSA-65', pub: 'AA' }] } },
      /not taken/,
    ],
    ['HMAC', { jwks: { keys: [{ ...good, alg: 'HS256' }] } }, /HS256 is not taken/],
    ['an algorithm of another kind', { jwks: { keys: [{ ...good, alg: 'RS256' }] } }, /not fit/],
    ['a key for encryption', { jwks: { keys: [{ ...good, use: 'enc' }] } }, /not for signatures/],
    ['a kid that is no text', { jwks: { keys: [{ ...good, kid: 7 }] } }, /a kid is no text/],
    ['an empty kid', { jwks: { keys: [{ ...good, kid: '' }] } }, /a kid is no text/],
    ['one kid twice', { jwks: { keys: [good, { ...good }] } }, /same kid/],
    [
      'very many',
      { jwks: { keys: Array.from({ length: 21 }, () => ({ ...good, kid: randomUUID() })) } },
      /21 keys/,
    ],
    ['an address without TLS', { jwks_uri: 'http://keys.example/jwks' }, /must be an https/],
    ['an address with a password', { jwks_uri: 'https://a:b@keys.example/jwks' }, /must be an https/],
    ['an address with a fragment', { jwks_uri: 'https://keys.example/jwks#key' }, /must be an https/],
    ['a file', { jwks_uri: 'file:///etc/passwd' }, /must be an https/],
    ['no address', { jwks_uri: 'keys' }, /must be an https/],
    ['a member that is not known', { jwks: good, keys: [] }, /unknown member keys/],
  ]
  for (const [name, parameters, reason] of refused)
    test(`${name}: refused with the reason`, async () => {
      const key = await registered(server, [newSigner()])
      const request = { 'key-type': 'jwks', ...parameters }
      const made = await createKey(server.tenant, key.instance, 'bad', request, server.server.services)
      assert.ok(isProblem(made))
      assert.match(made.description, reason)
      const rotated = await rotate(key, parameters)
      assert.ok(isProblem(rotated))
    })
})

/** A sender that publishes its keys, and counts who asks for them. */
async function publisher(t: Parameters<typeof tokenServer>[0], first: () => unknown) {
  let keys = first
  const { origin, received } = await tokenServer(t, () => ({ body: keys() }), tls)
  const key = await newKey(server, { 'key-type': 'jwks', jwks_uri: `${origin}/keys` })
  return {
    key,
    fetches: () => received.length,
    publish(next: () => unknown) {
      keys = next
    },
  }
}

const setOf = (...signers: Signer[]) => ({ keys: signers.map(jwkOf) })

describe('keys at a jwks_uri', () => {
  test('are fetched when they are needed, and kept', async t => {
    const signer = newSigner()
    const { key, fetches } = await publisher(t, () => setOf(signer))
    assert.equal(fetches(), 0)
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(signer, key)))
    for (const answer of answers) assertToken(answer)
    assert.equal(fetches(), 1)
    await assertRefused(server, await ask(newSigner(), key), /no signing key with kid/)
    await assertRefused(server, await ask(signer, key, { kid: undefined }), /has no kid/)
    const stranger = newSigner('ES256', String(signer.header.kid))
    await assertRefused(server, await ask(stranger, key), /signature .* is wrong/)
  })

  test('a storm of unknown names causes one fetch in 30 s', async t => {
    const signer = newSigner()
    const { key, fetches } = await publisher(t, () => setOf(signer))
    assertToken(await ask(signer, key))
    const storm = () => Promise.all(Array.from({ length: 50 }, () => ask(newSigner(), key)))
    for (const answer of await storm()) assert.equal(answer.status, 401)
    for (const answer of await storm()) assert.equal(answer.status, 401)
    assert.equal(fetches(), 2)
    server.advance(31_000)
    for (const answer of await storm()) assert.equal(answer.status, 401)
    assert.equal(fetches(), 3)
  })

  test('a new key counts once it is published; an old one goes', async t => {
    const [old, next] = [newSigner(), newSigner()]
    const { key, publish } = await publisher(t, () => setOf(old))
    assertToken(await ask(old, key))
    publish(() => setOf(next))
    assertToken(await ask(next, key))
    await assertRefused(server, await ask(old, key), /no signing key with kid/)
  })

  test('a key counts for the algorithm that it is published for', async t => {
    const signer = newSigner('PS256')
    const { key } = await publisher(t, () => setOf(signer))
    assertToken(await ask(signer, key))
    const swapped = { ...signer, alg: algorithm('RS256')! }
    await assertRefused(server, await ask(swapped, key), /is one for PS256, not RS256/)
  })

  test('a rotation may move them, and give them by hand again', async t => {
    const signer = newSigner()
    const { key } = await publisher(t, () => setOf(signer))
    const elsewhere = newSigner()
    const { origin } = await tokenServer(t, () => ({ body: setOf(elsewhere) }), tls)
    assertToken(await ask(signer, key))
    orThrow(await rotate(key, { jwks_uri: `${origin}/keys` }))
    assertToken(await ask(elsewhere, key))
    assert.equal((await ask(signer, key)).status, 401)
    orThrow(await rotate(key, { jwks: setOf(signer) }))
    assertToken(await ask(signer, key))
    assert.equal((await ask(elsewhere, key)).status, 401)
  })

  test('what is no honest answer is no key, whatever it holds', async t => {
    const signer = newSigner()
    const set = setOf(signer)
    const { origin, received } = await tokenServer(
      t,
      ({ path }, response) => {
        const [, name] = path.split('/')
        if (name === 'slow') return undefined
        if (name === 'dribble') {
          response.writeHead(200, { 'content-type': 'application/json' })
          response.write('{"keys":')
          return undefined
        }
        return answers[name!]
      },
      tls,
    )
    const answers: Record<string, { status?: number; headers?: Record<string, string>; body?: unknown }> = {
      good: { body: set },
      typed: { body: set, headers: { 'content-type': 'application/jwk-set+json; charset=utf-8' } },
      redirect: { status: 302, headers: { location: `${origin}/good` } },
      moved: { status: 308, headers: { location: `${origin}/good` } },
      huge: { body: { keys: set.keys, filler: 'x'.repeat(300_000) } },
      page: { body: set, headers: { 'content-type': 'text/html' } },
      text: { body: 'keys' },
      list: { body: set.keys },
      empty: { body: { keys: [] } },
      private: { body: { keys: [{ ...signer.privateKey.export({ format: 'jwk' }), ...set.keys[0] }] } },
      broken: { status: 500, body: set },
      created: { status: 201, body: set },
    }
    const at = async (name: string, reason?: RegExp) => {
      const key = await newKey(server, { 'key-type': 'jwks', jwks_uri: `${origin}/${name}` })
      const answer = await ask(signer, key)
      if (reason) await assertRefused(server, answer, reason)
      else assertToken(answer)
    }
    await Promise.all([
      at('good'),
      at('typed'),
      at('redirect', /answered 302/),
      at('moved', /answered 308/),
      at('huge', /more than 262144 bytes/),
      at('page', /answered text\/html/),
      at('text', /something else than a JSON object/),
      at('list', /something else than a JSON object/),
      at('empty', /no published key can be used/),
      at('private', /no published key can be used/),
      at('broken', /answered 500/),
      at('created', /answered 201/),
      at('slow', /no whole answer within 5000 ms/),
      at('dribble', /no whole answer within 5000 ms/),
    ])
    assert.equal(received.filter(({ path }) => path === '/good').length, 1, 'no redirect was followed')
  })

  test('addresses of the cloud are never called, whatever they are called by', async () => {
    const signer = newSigner()
    for (const host of [
      '169.254.169.254',
      '2852039166',
      '0xa9.0xfe.0xa9.0xfe',
      '[fe80::1]',
      '[::ffff:169.254.169.254]',
    ]) {
      const key = await newKey(server, { 'key-type': 'jwks', jwks_uri: `https://${host}/latest/meta-data` })
      await assertRefused(server, await ask(signer, key), /a link-local address is never called/)
    }
  })

  test('a server that is not who it says, and one that does not listen, are told apart', async t => {
    const signer = newSigner()
    const stranger = { cert: certificates.strangerCert, key: certificates.strangerKey }
    const { origin } = await tokenServer(t, () => ({ body: setOf(signer) }), stranger)
    const key = await newKey(server, { 'key-type': 'jwks', jwks_uri: `${origin}/keys` })
    await assertRefused(
      server,
      await ask(signer, key),
      /cannot be had: .*(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|ALTNAME)/,
    )
    const nobody = await newKey(server, { 'key-type': 'jwks', jwks_uri: 'https://localhost:1/keys' })
    await assertRefused(server, await ask(signer, nobody), /cannot be had: .*ECONNREFUSED/)
  })
})
