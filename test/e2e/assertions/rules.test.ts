import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { algorithm, algorithmNames } from '../../../src/crypto/algorithms.ts'
import { encodeBase64url } from '../../../src/crypto/base64url.ts'
import type { HeldKey } from '../../support/senders.ts'
import { basic, startTestServer, type TestServer } from '../../support/server.ts'
import { forge, newTenant, partsOf } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'
import {
  assertRefused,
  assertToken,
  type Claims,
  claimsOf,
  jwkOf,
  jwtBearer,
  newSigner,
  present,
  publicPem,
  registered,
  type Signer,
  signed,
} from './world.ts'

let server: TestServer
let signer: Signer
let key: HeldKey
before(async () => {
  server = await startTestServer()
  signer = newSigner()
  key = await registered(server, [signer])
})
after(() => server.close())

const good = (more: Claims = {}) => claimsOf(server, key.clientid, more)
const ask = (claims: Claims, header: Claims = {}, parameters: Record<string, string> = {}) =>
  present(server, signed(signer, claims, header), parameters)
const seconds = () => Math.floor(server.now() / 1000)

describe('who it is', () => {
  test('an assertion gets a token, with client_id and without', async () => {
    for (const parameters of [{}, { client_id: key.clientid }, { client_id: '' }]) {
      const answer = await ask(good(), {}, parameters)
      assertToken(answer)
      const { claims } = partsOf(answer.json<{ access_token: string }>().access_token)
      assert.equal(claims.client_id, key.clientid)
    }
  })

  test('the client_id of another client, and one that nobody has, are refused', async () => {
    const other = await registered(server, [newSigner()])
    await assertRefused(
      server,
      await ask(good(), {}, { client_id: other.clientid }),
      /no key of the set has its kid/,
    )
    await assertRefused(server, await ask(good(), {}, { client_id: 'nobody' }), /no client of this id/)
  })

  test('an assertion of another client, signed with the key of this one, is refused', async () => {
    const twin = await registered(server, [signer])
    const answer = await ask(good(), {}, { client_id: twin.clientid })
    await assertRefused(server, answer, /iss is "sb-[^"]*", not the client/)
    assertToken(await present(server, signed(signer, claimsOf(server, twin.clientid))))
  })

  test('sub and iss are the client, both of them', async () => {
    const cases: [Claims, RegExp][] = [
      [{ iss: 'another' }, /sub \(.*\) and iss \("another"\) are not the same/],
      [{ iss: undefined }, /iss \(missing\)/],
      [{ iss: [key.clientid] }, /iss \(an array\)/],
    ]
    for (const [claims, reason] of cases) await assertRefused(server, await ask(good(claims)), reason)
    const client_id = key.clientid
    await assertRefused(server, await ask(good({ sub: 'another' }), {}, { client_id }), /are not the same/)
    await assertRefused(
      server,
      await ask(good({ sub: undefined, iss: undefined }), {}, { client_id }),
      /iss is missing, not the client/,
    )
    await assertRefused(server, await ask(good({ sub: undefined })), /it has no sub/)
  })

  test('an assertion for a tenant is nothing in another one', async () => {
    const other = await newTenant(server, 'elsewhere')
    const answer = await present(server, signed(signer, good()), {}, { tenant: other })
    await assertRefused(server, answer, /no client of this id in this tenant/, other.id)
    const own = await registered(server, [signer], {}, other)
    const inTenant = { aud: `${server.url}/tenants/elsewhere` }
    assertToken(
      await present(server, signed(signer, claimsOf(server, own.clientid, inTenant)), {}, { tenant: other }),
    )
    const wrongIssuer = signed(signer, claimsOf(server, own.clientid))
    await assertRefused(server, await present(server, wrongIssuer, {}, { tenant: other }), /aud is/, other.id)
  })

  test('a deleted key is refused on the next request', async () => {
    const gone = await registered(server, [signer])
    assertToken(await present(server, signed(signer, claimsOf(server, gone.clientid))))
    const { services } = server.server
    const { deleteKey } = await import('../../../src/core/broker/index.ts')
    await deleteKey(server.tenant, gone.instance, 'key', services)
    const answer = await present(server, signed(signer, claimsOf(server, gone.clientid)))
    await assertRefused(server, answer, /no client of this id/)
  })

  test('the answer to an unknown client is that to a wrong signature, to the letter', async () => {
    const stranger = newSigner('ES256', String(signer.header.kid))
    const answers = [
      await ask(good({ iss: 'nobody', sub: 'nobody' })),
      await present(server, signed(stranger, good())),
      await ask(good({ exp: 1 })),
    ]
    const plain = answers.map(answer => {
      const { correlation_id: _, ...body } = answer.json()
      return { status: answer.status, body, challenge: answer.headers['www-authenticate'] }
    })
    assert.deepEqual(plain[0], plain[1])
    assert.deepEqual(plain[0], plain[2])
  })

  test('a key of type secret signs nothing', async () => {
    const secret = await server.sender()
    const answer = await present(server, signed(signer, claimsOf(server, secret.clientid)))
    await assertRefused(server, answer, /of type secret, which signs no assertions/)
  })
})

describe('for whom it is', () => {
  test('the issuer, alone or as an array of one', async () => {
    for (const aud of [server.url, [server.url]]) assertToken(await ask(good({ aud })))
  })

  test('anything else is refused: the token endpoint too, and more than one', async () => {
    const token = `${server.url}/oauth/token`
    const { hint } = await assertRefused(server, await ask(good({ aud: token })), /aud is/)
    assert.match(hint!, /--assertion-audience token-endpoint/)
    for (const aud of [
      [server.url, token],
      [server.url, server.url],
      [server.url, 'https://attacker.example'],
      [],
      [[server.url]],
      `${server.url}/`,
      server.url.toUpperCase(),
      'https://attacker.example',
      '',
      null,
      undefined,
      1,
      { url: server.url },
      `${server.mtlsUrl}/oauth/token`,
    ])
      await assertRefused(server, await ask(good({ aud })), /aud (is|names)/)
  })

  test('with the setting of older clients the token endpoint counts as well, and still nothing else', async () => {
    const older = await registered(server, [signer], { assertionAudience: 'token-endpoint' })
    const by = (aud: unknown) => present(server, signed(signer, claimsOf(server, older.clientid, { aud })))
    for (const aud of [
      server.url,
      `${server.url}/oauth/token`,
      [`${server.url}/oauth/token`],
      `${server.mtlsUrl}/oauth/token`,
    ])
      assertToken(await by(aud))
    for (const aud of [
      [server.url, `${server.url}/oauth/token`],
      `${server.url}/oauth/introspect`,
      'https://attacker.example/oauth/token',
      undefined,
    ])
      await assertRefused(server, await by(aud), /aud (is|names)/)
  })
})

describe('when it counts', () => {
  test('exp is a number, and not over: the record says by how many seconds', async () => {
    const cases: [unknown, RegExp][] = [
      [undefined, /exp is missing/],
      [null, /exp is missing/],
      [String(seconds() + 60), /exp is missing or no number/],
      [
        seconds() - 75,
        /it expired 7[56] s ago: the client sends an old assertion again, or its clock is slow/,
      ],
      [0, /expired/],
    ]
    for (const [exp, reason] of cases) await assertRefused(server, await ask(good({ exp })), reason)
  })

  test('an assertion a few seconds over is taken: clocks differ', async () => {
    assertToken(await ask(good({ exp: seconds() - 50 })))
    assertToken(await ask(good({ exp: seconds() + 0.5 })))
  })

  test('ten minutes is the longest it may last', async () => {
    for (const more of [598, 658]) assertToken(await ask(good({ exp: seconds() + more })))
    const answer = await ask(good({ exp: seconds() + 3600 }))
    await assertRefused(server, answer, /it is good for (3600|3599) s, longer than the 600 allowed/)
    await assertRefused(server, await ask(good({ exp: 1e300 })), /longer than the 600/)
  })

  test('nbf and iat from the future are refused, a little of it is taken, and neither is needed', async () => {
    assertToken(await ask(good({ iat: undefined })))
    assertToken(await ask(good({ nbf: seconds() + 50, iat: seconds() + 50 })))
    for (const name of ['nbf', 'iat']) {
      const answer = await ask(good({ [name]: seconds() + 90 }))
      await assertRefused(server, answer, new RegExp(`its ${name} is (8|9)\\d s in the future`))
      await assertRefused(server, await ask(good({ [name]: 'now' })), new RegExp(`${name} is no number`))
    }
  })

  test('jti is a text of 1 to 256 characters', async () => {
    assertToken(await ask(good({ jti: 'x'.repeat(256 - 36) + randomUUID() })))
    for (const jti of [undefined, null, '', 7, 'x'.repeat(257), ['x']])
      await assertRefused(server, await ask(good({ jti })), /jti is missing, or longer than 256/)
  })

  test('a jti of characters that a database cannot store is one like any other', async () => {
    for (const odd of ['\u0000', '\ud800', '\u{1f511}', "'; drop table one_time_ids"]) {
      const jti = odd + randomUUID()
      assertToken(await ask(good({ jti })))
      await assertRefused(server, await ask(good({ jti })), /was used before/)
    }
  })
})

describe('how it is signed', () => {
  test('each algorithm that is accepted gets a token', async () => {
    for (const alg of algorithmNames) {
      const own = newSigner(alg)
      const { clientid } = await registered(server, [own])
      assertToken(await present(server, signed(own, claimsOf(server, clientid))))
    }
  })

  test('EdDSA may be called Ed25519 as well', async () => {
    const own = newSigner('EdDSA')
    const { clientid } = await registered(server, [own])
    assertToken(await present(server, signed(own, claimsOf(server, clientid), { alg: 'Ed25519' })))
    const swapped = signed(signer, good(), { alg: 'Ed25519' })
    await assertRefused(server, await present(server, swapped), /is one for EdDSA/)
  })

  test('none, and HMAC keyed with what is public, are refused', async () => {
    const rsa = newSigner('RS256')
    const { clientid } = await registered(server, [rsa])
    const hmac = (secret: string) => (input: Buffer) => createHmac('sha256', secret).update(input).digest()
    const empty = () => Buffer.alloc(0)
    const pem = publicPem(rsa)
    for (const [alg, sign] of [
      ['none', empty],
      ['None', empty],
      ['NONE', empty],
      ['HS256', hmac(pem)],
      ['HS256', hmac(pem.trim())],
      ['HS256', hmac(JSON.stringify(jwkOf(rsa)))],
      ['HS256', hmac('')],
      [undefined, empty],
      [['RS256'], empty],
      ['rs256', rsa],
      ['ES512', empty],
    ] as const) {
      const claims = claimsOf(server, clientid)
      const header = { ...rsa.header, alg }
      const forged =
        typeof sign === 'function'
          ? forge(sign, undefined, header, claims)
          : forge(sign.alg, sign.privateKey, header, claims)
      await assertRefused(server, await present(server, forged), /is signed with alg/)
    }
  })

  test('a key counts for the algorithm that it is registered for', async () => {
    for (const [registeredFor, usedWith] of [
      ['RS256', 'PS256'],
      ['PS256', 'RS256'],
    ] as const) {
      const own = newSigner(registeredFor)
      const { clientid } = await registered(server, [own])
      const swapped = { ...own, alg: algorithm(usedWith)! }
      assertToken(await present(server, signed(own, claimsOf(server, clientid))))
      const answer = await present(server, signed(swapped, claimsOf(server, clientid)))
      await assertRefused(server, answer, new RegExp(`no key that it may mean is one for ${usedWith}`))
    }
  })

  test('an algorithm of another curve or kind than the key is refused', async () => {
    for (const alg of ['ES384', 'RS256', 'PS256', 'EdDSA']) {
      const swapped = forge(signer.alg, signer.privateKey, { ...signer.header, alg }, good())
      await assertRefused(server, await present(server, swapped), new RegExp(`is one for ${alg}`))
    }
  })

  test('the header cannot bring a key of its own', async () => {
    const stranger = newSigner('ES256', String(signer.header.kid))
    const jwk = jwkOf(stranger)
    for (const header of [
      {},
      { jwk },
      { jku: 'https://attacker.example/keys' },
      { x5u: 'https://attacker.example/chain.pem' },
      { x5c: ['MIIB'] },
      { jwk, jku: 'https://attacker.example/keys', x5u: 'https://attacker.example/chain.pem', x5c: ['MIIB'] },
    ])
      await assertRefused(
        server,
        await present(server, signed(stranger, good(), header)),
        /signature .* is wrong/,
      )
    // Of the right key they mean nothing.
    assertToken(await ask(good(), { jwk, jku: 'https://attacker.example/keys', x5u: 'x', x5c: ['MIIB'] }))
  })

  test('kid chooses among the keys of this client only, and is no path and no query', async () => {
    const other = newSigner()
    const theirs = await registered(server, [other])
    assertToken(await present(server, signed(other, claimsOf(server, theirs.clientid))))
    const foreign = signed(other, good())
    await assertRefused(server, await present(server, foreign), /no key of the set has its kid/)
    for (const kid of ['../../../etc/passwd', "' or 1=1 --", 'https://attacker.example/', '', 'constructor'])
      await assertRefused(server, await ask(good(), { kid }), /no key of the set has its kid/)
    await assertRefused(server, await ask(good(), { kid: 7 }), /its kid is no text/)
  })

  test('where the header names no key, all of the client are tried', async () => {
    assertToken(await ask(good(), { kid: undefined }))
    const stranger = signed(newSigner(), good(), { kid: undefined })
    await assertRefused(server, await present(server, stranger), /signature .* is wrong/)
  })

  test('a changed letter spoils it, in each part', async () => {
    const [header, claims, signature] = signed(signer, good()).split('.') as [string, string, string]
    const longer = encodeBase64url(JSON.stringify(good({ exp: seconds() + 500 })))
    await assertRefused(
      server,
      await present(server, `${header}.${longer}.${signature}`),
      /signature .* is wrong/,
    )
    const flipped = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)
    await assertRefused(
      server,
      await present(server, `${header}.${claims}.${flipped}`),
      /signature .* is wrong/,
    )
    await assertRefused(server, await present(server, `${header}.${claims}.`), /signature .* is wrong/)
  })
})

describe('of what form it is', () => {
  test('typ is that of an assertion or none at all; tokens and proofs of other protocols are refused', async () => {
    for (const typ of [
      undefined,
      'JWT',
      'application/jwt',
      'client-authentication+jwt',
      'Client-Authentication+JWT',
    ])
      assertToken(await ask(good(), { typ }))
    for (const typ of ['at+jwt', 'application/at+jwt', 'dpop+jwt', 'secevent+jwt', 'logout+jwt', '', 7, null])
      await assertRefused(server, await ask(good(), { typ }), /its typ is that of something else/)
  })

  test('an access token of ours is no assertion', async () => {
    const { access_token: token } = (await ask(good())).json<{ access_token: string }>()
    await assertRefused(server, await present(server, token), /its typ is that of something else/)
  })

  test('crit and b64 are refused', async () => {
    for (const header of [{ crit: ['b64'], b64: false }, { crit: [] }, { b64: true }])
      await assertRefused(server, await ask(good(), header), /header has crit or b64/)
  })

  test('what is no compact JWS is refused: encrypted, in JSON, cut, doubled, not canonical', async () => {
    const whole = signed(signer, good())
    const [header, claims, signature] = whole.split('.') as [string, string, string]
    for (const text of [
      `${whole}.${signature}.${signature}`,
      `${header}.${claims}`,
      `${whole}.`,
      `.${whole}`,
      '..',
      'x',
      JSON.stringify({ protected: header, payload: claims, signature }),
      `${header}=.${claims}.${signature}`,
      `${header}\n.${claims}.${signature}`,
      ` ${whole}`,
      `${encodeBase64url('[]')}.${claims}.${signature}`,
      `${encodeBase64url('null')}.${claims}.${signature}`,
    ])
      await assertRefused(server, await present(server, text), /the client assertion cannot be used/)
  })

  test('a member that stands twice is refused, in the header and in the claims', async () => {
    const claims = JSON.stringify(good())
    const twice = claims.replace('{', '{"sub":"another",')
    await assertRefused(server, await present(server, signed(signer, twice)), /unique members/)
    const escaped = claims.replace('{', String.raw`{"s\u0075b":"another",`)
    await assertRefused(server, await present(server, signed(signer, escaped)), /unique members/)
    const header = JSON.stringify({ ...signer.header, alg: 'ES256' }).replace('{', '{"alg":"none",')
    const forged = forge(signer.alg, signer.privateKey, header, good())
    await assertRefused(server, await present(server, forged), /unique members/)
  })

  test('a large assertion is refused before it is read, a huge one before it is there', async () => {
    const answer = await ask(good({ filler: 'x'.repeat(20_000) }))
    await assertRefused(server, answer, /longer than 16384 characters/)
    assert.equal((await present(server, 'x'.repeat(1_000_000))).status, 413)
  })

  test('client_assertion and its type come together, once, and never in the query', async () => {
    const assertion = signed(signer, good())
    const send = (body: string, query = '') =>
      server.call(`/oauth/token${query}`, {
        method: 'POST',
        body,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      })
    const type = `client_assertion_type=${encodeURIComponent(jwtBearer)}`
    const grant = 'grant_type=client_credentials'
    for (const [body, query] of [
      [`${grant}&client_assertion=${assertion}`],
      [`${grant}&${type}`],
      [
        `${grant}&client_assertion=${assertion}&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer`,
      ],
      [`${grant}&client_assertion=${assertion}&client_assertion=${assertion}&${type}`],
      [`${grant}&${type}`, `?client_assertion=${assertion}`],
    ] as const) {
      const answer = await send(body, query)
      assert.equal(answer.status, 400, answer.text)
      assert.equal(answer.json().error, 'invalid_request')
    }
    // Nothing of that has used it up.
    assertToken(await send(`${grant}&client_assertion=${assertion}&${type}`))
  })

  test('no log line and no decision record holds an assertion', async () => {
    const assertion = signed(signer, good({ aud: 'https://attacker.example' }))
    const record = await decisionOf({ server }, await present(server, assertion))
    const signature = assertion.split('.')[2]!
    assert.ok(!JSON.stringify([server.log, record]).includes(signature))
    const client = record.checks.find(({ name }) => name === 'client credential')
    assert.equal(client?.outcome, 'failed')
  })
})

describe('beside another credential', () => {
  test('a secret, a Basic header and a token are refused, even when both are right', async () => {
    const secret = await server.sender()
    const { access_token: token } = (await ask(good())).json<{ access_token: string }>()
    for (const answer of [
      await ask(good(), {}, { client_secret: secret.clientsecret }),
      await present(server, signed(signer, good()), {}, { headers: { Authorization: basic(secret) } }),
      await present(server, signed(signer, good()), {}, { headers: { Authorization: `Bearer ${token}` } }),
      await present(
        server,
        signed(signer, good()),
        { token },
        { path: '/oauth/introspect', headers: { Authorization: `Bearer ${token}` } },
      ),
    ]) {
      assert.equal(answer.status, 400, answer.text)
      assert.equal(answer.json().error, 'invalid_request')
    }
  })
})

describe('introspection and revocation', () => {
  test('a client asks about its tokens, and revokes them, by assertions', async () => {
    const { access_token: token } = (await ask(good())).json<{ access_token: string }>()
    const at = (path: string, by = signer) => present(server, signed(by, good()), { token }, { path })
    assert.equal((await at('/oauth/introspect')).json().active, true)
    const stranger = newSigner('ES256', String(signer.header.kid))
    for (const path of ['/oauth/introspect', '/oauth/revoke'])
      await assertRefused(server, await at(path, stranger), /signature .* is wrong/)
    assert.equal((await at('/oauth/revoke')).status, 200)
    assert.equal((await at('/oauth/introspect')).json().active, false)
  })

  test('an assertion counts once over all of them', async () => {
    const assertion = signed(signer, good())
    assertToken(await present(server, assertion))
    const answer = await present(server, assertion, { token: 'x' }, { path: '/oauth/introspect' })
    await assertRefused(server, answer, /was used before/)
  })
})

test('metadata names the method and the algorithms, for each endpoint', async () => {
  const told = (await server.call('/.well-known/oauth-authorization-server')).json()
  for (const endpoint of ['token', 'introspection', 'revocation']) {
    assert.ok((told[`${endpoint}_endpoint_auth_methods_supported`] as string[]).includes('private_key_jwt'))
    assert.deepEqual(told[`${endpoint}_endpoint_auth_signing_alg_values_supported`], [
      ...algorithmNames,
      'Ed25519',
    ])
  }
})
