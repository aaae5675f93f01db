import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { instanceDialects } from '../../../src/core/tokens/index.ts'
import { algorithm } from '../../../src/crypto/algorithms.ts'
import type { HeldKey } from '../../support/senders.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { forge } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'
import {
  assertToken,
  type Claims,
  claimsOf,
  newSigner,
  present,
  publicPem,
  registered,
  signed,
} from './world.ts'

let server: TestServer
const keys = new Map<string, HeldKey>()
before(async () => {
  server = await startTestServer()
  for (const dialect of instanceDialects) keys.set(dialect, await registered(server, [rsa, ec], { dialect }))
})
after(() => server.close())

const rsa = newSigner('RS256')
const ec = newSigner('ES256')
const stranger = newSigner('RS256', String(rsa.header.kid))
const hmac = (input: Buffer) => createHmac('sha256', publicPem(rsa)).update(input).digest()

type Make = (good: (more?: Claims) => Claims, now: number) => string

/** What must fail, whatever the dialect, and what the operator is told. */
const bad: readonly (readonly [string, Make, RegExp])[] = [
  [
    'HMAC with the public key',
    good => forge(hmac, undefined, { ...rsa.header, alg: 'HS256' }, good()),
    /alg "HS256"/,
  ],
  ['no signature', good => forge(() => Buffer.alloc(0), undefined, { alg: 'none' }, good()), /alg "none"/],
  ['PS256 for RS256', good => signed({ ...rsa, alg: algorithm('PS256')! }, good()), /is one for PS256/],
  ['a key of another client', good => signed(newSigner(), good()), /no key of the set has its kid/],
  ['another key under its name', good => signed(stranger, good()), /signature .* is wrong/],
  [
    'a key that it brings along',
    good => signed(stranger, good(), { jku: 'https://a.example/', x5u: 'x' }),
    /is wrong/,
  ],
  [
    'two audiences',
    good => signed(rsa, good({ aud: [server.url, 'https://a.example'] })),
    /names 2 audiences/,
  ],
  ['another audience', good => signed(rsa, good({ aud: 'https://a.example' })), /aud is/],
  ['expired', (good, now) => signed(rsa, good({ exp: now - 75 })), /expired 7\d s ago/],
  ['from the future', (good, now) => signed(rsa, good({ nbf: now + 300 })), /in the future/],
  ['too long', (good, now) => signed(rsa, good({ exp: now + 3600 })), /longer than the 600/],
  ['without an id', good => signed(rsa, good({ jti: undefined })), /jti is missing/],
  ['of somebody else', good => signed(rsa, good({ iss: 'another' })), /are not the same/],
  [
    'a claim twice',
    good => signed(rsa, JSON.stringify(good()).replace('{', '{"sub":"x",')),
    /unique members/,
  ],
  ['five parts', good => `${signed(rsa, good())}.AA.AA`, /5 parts/],
  ['an access token', good => signed(rsa, good(), { typ: 'at+jwt' }), /its typ is/],
  ['a proof of possession', good => signed(rsa, good(), { typ: 'dpop+jwt' }), /its typ is/],
]

for (const dialect of instanceDialects) {
  const good = (more: Claims = {}) => claimsOf(server, keys.get(dialect)!.clientid, more)

  test(`${dialect}: good assertions get tokens, each once`, async () => {
    for (const signer of [rsa, ec]) {
      const assertion = signed(signer, good())
      assertToken(await present(server, assertion))
      const again = await present(server, assertion)
      assert.equal(again.status, 401, again.text)
      assert.match((await decisionOf({ server }, again)).reason, /was used before/)
    }
    const jti = randomUUID()
    assertToken(await present(server, signed(rsa, good({ jti }))))
    assert.equal((await present(server, signed(ec, good({ jti })))).status, 401)
  })

  for (const [name, make, reason] of bad)
    test(`${dialect}: ${name}: refused`, async () => {
      const answer = await present(server, make(good, Math.floor(server.now() / 1000)))
      assert.equal(answer.status, 401, answer.text)
      assert.equal(answer.json().access_token, undefined)
      assert.match((await decisionOf({ server }, answer)).reason, reason)
    })

  test(`${dialect}: one of a megabyte is refused before it is there`, async () => {
    assert.equal((await present(server, 'x'.repeat(1_000_000))).status, 413)
  })
}
