import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync, KeyObject, sign } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CompactEncrypt } from 'jose'
import { issuerKey, signed } from '../../test/support/issuer.ts'
import { encodeBase64url } from '../crypto/base64url.ts'
import { CertificateProblem, createGuard, type GuardOptions, isProblem, Problem } from './index.ts'

const issuer = 'https://issuer.test/tenants/a'
const now = 1_800_000_000_000
const seconds = now / 1000
const key = await issuerKey('ES256', 'key-1')
const others = await Promise.all(
  ['ES384', 'RS256', 'PS256', 'EdDSA'].map(alg => issuerKey(alg, `key-${alg}`)),
)
const stranger = await issuerKey('ES256', 'key-1')
const thumbprint = 'A'.repeat(43)

const claims = {
  iss: issuer,
  aud: 'https://api.test',
  sub: 'sb-client',
  client_id: 'sb-client',
  jti: 'token-1',
  iat: seconds - 10,
  exp: seconds + 3600,
  scope: 'orders.read orders.write',
}
const options: GuardOptions = {
  issuer,
  audience: 'https://api.test',
  keys: { keys: [key.jwk, ...others.map(other => other.jwk)] },
  clock: () => now,
}
const guard = createGuard(options)
const withToken = (token: string) => ({ authorization: `Bearer ${token}` })

const part = (value: unknown) => encodeBase64url(typeof value === 'string' ? value : JSON.stringify(value))
const good = await signed(key, claims)
const [header, payload, signature] = good.split('.') as [string, string, string]
const publicKey = createPublicKey({ key: key.jwk as Record<string, unknown>, format: 'jwk' })
const hmac = (secret: string | Buffer) => {
  const input = `${part({ alg: 'HS256', typ: 'at+jwt', kid: 'key-1' })}.${payload}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}
/** The good claims as text, signed, so that what jose would not write can be written. */
function signedText(headerText: string, claimsText: string): string {
  const input = `${part(headerText)}.${part(claimsText)}`
  const bytes = sign('sha256', Buffer.from(input), {
    key: KeyObject.from(key.privateKey),
    dsaEncoding: 'ieee-p1363',
  })
  return `${input}.${bytes.toString('base64url')}`
}
const plainHeader = '{"alg":"ES256","typ":"at+jwt","kid":"key-1"}'
const claimsText = JSON.stringify(claims)
const otherSignature = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)
const strangerJwk = { jwk: stranger.jwk }
const without = (name: string) =>
  Object.fromEntries(Object.entries(claims).filter(([other]) => other !== name))
const changed = (changes: object) => signed(key, { ...claims, ...changes })

describe('a token that passes', () => {
  const table: [title: string, token: string | Promise<string>][] = [
    ['as Countersign issues it', good],
    ...others.map((other): [string, Promise<string>] => [`signed with ${other.alg}`, signed(other, claims)]),
    ['with the long form of typ', signed(key, claims, { typ: 'application/at+jwt' })],
    [
      'for several audiences, this API among them',
      changed({ aud: ['https://other.test', 'https://api.test'] }),
    ],
    ['that expired within the clock skew', changed({ exp: seconds - 59 })],
    ['that begins within the clock skew', changed({ nbf: seconds + 59 })],
    ['without scope', signed(key, without('scope'))],
    ['with claims that are not known', changed({ cred: 'a.1', nested: { a: [1] } })],
    ['written by hand, as a check of the table below', signedText(plainHeader, claimsText)],
  ]
  for (const [title, token] of table)
    test(title, async () => {
      const caller = await guard.check(withToken(await token))
      assert.ok(!isProblem(caller), JSON.stringify(caller))
      assert.equal(caller.clientId, 'sb-client')
    })
})

describe('a token that is refused with 401 invalid_token', () => {
  type Row = [title: string, reason: RegExp, token: string | Promise<string>]
  const table: Row[] = [
    ['longer than 16 KiB', /16600 characters/, 'a'.repeat(16_593)],
    ['that is no JWT', /structure: 1 parts/, 'opaque-token'],
    ['of two parts', /structure: 2 parts/, `${header}.${payload}`],
    ['with an empty signature', /signature/, `${header}.${payload}.`],
    ['in another spelling of base64url', /canonical/, `${header}.${payload}.${signature.slice(0, -1)}B`],
    ['with padding', /structure: not canonical/, `${good}=`],
    ['whose header is no JSON', /structure/, `${part('{')}.${payload}.${signature}`],
    ['whose claims are an array', /structure/, signedText(plainHeader, '[]')],
    ['with a repeated claim', /unique/, signedText(plainHeader, `{"iss":"x",${claimsText.slice(1)}`)],
    [
      'with a repeated claim, escaped',
      /unique/,
      signedText(plainHeader, `{"is\\u0073":"x",${claimsText.slice(1)}`),
    ],
    ['with a repeated header', /unique/, signedText(`{"alg":"none",${plainHeader.slice(1)}`, claimsText)],
    ['with crit', /crit/, signedText(`{"crit":["x"],"x":1,${plainHeader.slice(1)}`, claimsText)],
    ['with b64', /b64/, signedText(`{"b64":false,${plainHeader.slice(1)}`, claimsText)],
    ['that is encrypted', /5 parts/, encrypted()],
    ['with typ JWT, as ID tokens have', /^type/, signed(key, { ...claims, nonce: 'n' }, { typ: 'JWT' })],
    ['without typ', /^type/, signedText('{"alg":"ES256","kid":"key-1"}', claimsText)],
    ['of a client assertion', /^type/, signed(key, claims, { typ: 'client-authentication+jwt' })],
    ['of a DPoP proof', /^type/, signed(key, claims, { typ: 'dpop+jwt' })],
    ['of a logout token', /^type/, signed(key, claims, { typ: 'logout+jwt' })],
    ['with alg none', /^algorithm/, `${part({ alg: 'none', typ: 'at+jwt', kid: 'key-1' })}.${payload}.`],
    ['with alg nOnE', /^algorithm/, `${part({ alg: 'nOnE', typ: 'at+jwt', kid: 'key-1' })}.${payload}.`],
    [
      'with HS256 over the public key as PEM',
      /^algorithm/,
      hmac(publicKey.export({ format: 'pem', type: 'spki' })),
    ],
    [
      'with HS256 over the public key as DER',
      /^algorithm/,
      hmac(publicKey.export({ format: 'der', type: 'spki' })),
    ],
    ['with HS256 over the JWK', /^algorithm/, hmac(JSON.stringify(key.jwk))],
    ['with alg of a prototype member', /^algorithm/, `${part({ alg: 'constructor', typ: 'at+jwt' })}.e30.AA`],
    ['whose alg is not that of the key', /^algorithm/, signed(others[1]!, claims, { kid: 'key-1' })],
    ['with RS256 for a key of PS256', /^algorithm/, signed(others[1]!, claims, { kid: 'key-PS256' })],
    ['without kid', /^key: kid is missing/, signedText('{"alg":"ES256","typ":"at+jwt"}', claimsText)],
    [
      'with a kid that is no text',
      /^key: kid is an array/,
      signedText('{"alg":"ES256","typ":"at+jwt","kid":[]}', claimsText),
    ],
    ['with an unknown kid', /^key: no signing key with kid "gone"/, signed(key, claims, { kid: 'gone' })],
    ['with a path as kid', /^key/, signed(key, claims, { kid: '../../dev/null' })],
    ['with __proto__ as kid', /^key/, signed(key, claims, { kid: '__proto__' })],
    ['of a stranger under our kid', /^signature/, signed(stranger, claims)],
    ['of a stranger with its key in jwk', /^signature/, signed(stranger, claims, strangerJwk)],
    ['of a stranger with jku', /^signature/, signed(stranger, claims, { jku: 'https://evil.test/keys' })],
    ['of a stranger with x5u', /^signature/, signed(stranger, claims, { x5u: 'https://evil.test/x' })],
    ['of a stranger with x5c', /^signature/, signed(stranger, claims, { x5c: ['AAAA'] })],
    [
      'with other claims under the signature',
      /^signature/,
      `${header}.${part({ ...claims, sub: 'b' })}.${signature}`,
    ],
    [
      'with a DER signature',
      /^signature/,
      `${header}.${payload}.${Buffer.alloc(70, 48).toString('base64url')}`,
    ],
    [
      'with a signature of zeros',
      /^signature/,
      `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    ],
    ['of another issuer', /^issuer/, changed({ iss: 'https://issuer.test/tenants/b' })],
    ['of the issuer with a slash more', /^issuer/, changed({ iss: `${issuer}/` })],
    ['of the issuer in capitals', /^issuer/, changed({ iss: issuer.toUpperCase() })],
    ['without issuer', /^issuer/, signed(key, without('iss'))],
    [
      'with a list of issuers',
      /^issuer/,
      signedText(plainHeader, claimsText.replace(`"${issuer}"`, `["${issuer}"]`)),
    ],
    ['for another audience', /^audience/, changed({ aud: 'https://api.test.evil.test' })],
    ['for the audience with a slash more', /^audience/, changed({ aud: 'https://api.test/' })],
    ['for no audience', /^audience/, signed(key, without('aud'))],
    ['for an empty list of audiences', /^audience/, changed({ aud: [] })],
    [
      'for an audience that is no text',
      /^audience/,
      signedText(plainHeader, claimsText.replace('"https://api.test"', '["https://api.test",1]')),
    ],
    ['that has expired', /^dates: expired 60 s ago/, changed({ exp: seconds - 60 })],
    ['without exp', /^dates: exp is missing/, signed(key, without('exp'))],
    ['without iat', /^dates: iat is missing/, signed(key, without('iat'))],
    ['with exp as text', /^dates/, signedText(plainHeader, claimsText.replace(/"exp":(\d+)/, '"exp":"$1"'))],
    [
      'with an endless exp',
      /^dates/,
      signedText(plainHeader, claimsText.replace(/"exp":\d+/, '"exp":1e999')),
    ],
    ['with exp null', /^dates/, signedText(plainHeader, claimsText.replace(/"exp":\d+/, '"exp":null'))],
    ['that is not valid yet', /^dates: nbf is 61 s in the future/, changed({ nbf: seconds + 61 })],
    ['that was issued in the future', /^dates: iat/, changed({ iat: seconds + 61 })],
    ['without client_id', /^claims: client_id/, signed(key, without('client_id'))],
    ['without sub', /^claims: sub/, signed(key, without('sub'))],
    ['without jti', /^claims: jti/, signed(key, without('jti'))],
    ['with scope as a list', /^claims: scope/, changed({ scope: ['orders.read'] })],
    ['with cnf as a list', /^claims: cnf/, changed({ cnf: [] })],
    [
      'bound to a certificate, without one',
      /^binding: .* none was presented/,
      changed({ cnf: { 'x5t#S256': thumbprint } }),
    ],
    ['bound to a DPoP key', /^binding: .* not supported/, changed({ cnf: { jkt: thumbprint } })],
    ['bound to nothing that is named', /^binding: .* not supported/, changed({ cnf: {} })],
    ['whose signature begins otherwise', /^signature/, `${header}.${payload}.${otherSignature}`],
  ]
  for (const [title, reason, token] of table)
    test(title, async () => {
      for (const _ of ['first', 'again, past the cache']) {
        const problem = await guard.check(withToken(await token))
        assert.ok(problem instanceof Problem)
        assert.deepEqual([problem.status, problem.error], [401, 'invalid_token'])
        assert.match(problem.reason, reason)
      }
    })
})

function encrypted(): Promise<string> {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return new CompactEncrypt(Buffer.from(good))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'at+jwt', cty: 'at+jwt' })
    .encrypt(publicKey)
}

describe('a token bound to a certificate (RFC 8705)', () => {
  const check = async (cnf: object, presented?: string) => {
    const certificate = presented === undefined ? undefined : { thumbprint: presented }
    const result = await guard.check({ ...withToken(await changed({ cnf })), certificate })
    return isProblem(result) ? result.status : 'passes'
  }
  const bound = { 'x5t#S256': thumbprint }
  test('passes with that certificate', async () => assert.equal(await check(bound, thumbprint), 'passes'))
  test('is refused with another one, or none, or an empty name', async () => {
    for (const other of ['B'.repeat(43), undefined, '', `${thumbprint}=`])
      assert.equal(await check(bound, other), 401)
  })
  test('is refused when it is bound to something else as well', async () =>
    assert.equal(await check({ ...bound, jkt: 'x' }, thumbprint), 401))
  test('is refused when the binding is no thumbprint, though the certificate says the same', async () => {
    for (const value of ['', 'short', null, [thumbprint]])
      assert.equal(await check({ 'x5t#S256': value }, value as string), 401)
  })
  test('counts on every use, also when the token is remembered', async () => {
    const token = await changed({ cnf: bound, jti: 'twice' })
    assert.ok(!isProblem(await guard.check({ ...withToken(token), certificate: { thumbprint } })))
    assert.ok(isProblem(await guard.check(withToken(token))))
  })
  test('a certificate that cannot be read makes the request a bad one, whatever the token', async () => {
    for (const token of [good, await changed({ cnf: bound, jti: 'unread' }), 'nonsense']) {
      const problem = await guard.check({ ...withToken(token), certificate: new CertificateProblem('why') })
      assert.ok(isProblem(problem))
      assert.deepEqual([problem.status, problem.error, problem.reason], [400, 'invalid_request', 'why'])
    }
  })
  test('a certificate is no credential by itself', async () => {
    const problem = await guard.check({ certificate: { thumbprint } })
    assert.ok(isProblem(problem))
    assert.deepEqual([problem.status, problem.error], [401, undefined])
  })
  test('a certificate beside a token that is not bound changes nothing', async () =>
    assert.ok(!isProblem(await guard.check({ ...withToken(good), certificate: { thumbprint } }))))
})

describe('roles', () => {
  test('one of those asked for is enough; otherwise 403 names them all', async () => {
    const caller = await guard.check(withToken(good))
    assert.ok(!isProblem(caller))
    assert.deepEqual([...caller.roles], ['orders.read', 'orders.write'])
    assert.equal(guard.requireRole(caller, 'admin', 'orders.read'), undefined)
    const problem = guard.requireRole(caller, 'admin', 'Orders.Read')
    assert.deepEqual([problem?.status, problem?.error], [403, 'insufficient_scope'])
    assert.match(
      problem?.headers['WWW-Authenticate'] ?? '',
      /error="insufficient_scope".* scope="admin Orders.Read"$/,
    )
    assert.match(
      problem?.reason ?? '',
      /sb-client has orders.read, orders.write; asked for admin or Orders.Read/,
    )
  })
  test('to ask for no role is a mistake in the program, not a pass', async () => {
    const caller = await guard.check(withToken(good))
    assert.ok(!isProblem(caller))
    assert.throws(() => guard.requireRole(caller), TypeError)
  })
  test('a token without scope has none, and neither a claim roles nor a prototype gives one', async () => {
    const token = await signed(key, { ...without('scope'), roles: ['admin'], jti: 'r' })
    const caller = await guard.check(withToken(token))
    assert.ok(!isProblem(caller))
    for (const role of ['admin', '', 'constructor', '__proto__', 'has'])
      assert.equal(guard.requireRole(caller, role)?.status, 403)
  })
})

describe('the memory of verified tokens', () => {
  test('gives the same caller without reading the token again', async () =>
    assert.equal(await guard.check(withToken(good)), await guard.check(withToken(good))))
  test('ends at exp: within the clock skew after it, the token is verified each time', async () => {
    let time = now
    const own = createGuard({ ...options, clock: () => time })
    const token = await changed({ exp: seconds + 10, jti: 'short' })
    const check = () => own.check(withToken(token))
    const caller = await check()
    time += 9_999
    assert.equal(await check(), caller)
    time += 1
    const [late, later] = [await check(), await check()]
    assert.ok(!isProblem(late) && late !== caller && later !== late)
    time += 60_000
    assert.ok(isProblem(await check()))
  })
  test('does not spare a token the check of its dates', async () => {
    let time = now
    const own = createGuard({ ...options, clock: () => time, clockSkewSeconds: 0 })
    const token = await changed({ exp: seconds + 10, jti: 'dates' })
    assert.ok(!isProblem(await own.check(withToken(token))))
    time -= 11_000
    const early = await own.check(withToken(token))
    assert.ok(isProblem(early))
    assert.match(early.reason, /iat is 1 s in the future/)
    time += 21_000
    assert.ok(isProblem(await own.check(withToken(token))))
  })
  test('can be switched off', async () => {
    const own = createGuard({ ...options, maxCachedTokens: 0 })
    assert.notEqual(await own.check(withToken(good)), await own.check(withToken(good)))
  })
})

describe('options that cannot work are refused at once', () => {
  const table: [RegExp, object][] = [
    [/issuer is missing/, { issuer: '' }],
    [/audience is missing/, { audience: [] }],
    [/audience is missing/, { audience: undefined }],
    [/audience is missing/, { audience: [''] }],
    [/clockSkewSeconds/, { clockSkewSeconds: 301 }],
    [/clockSkewSeconds/, { clockSkewSeconds: Number.NaN }],
    [/maxCachedTokens/, { maxCachedTokens: -1 }],
    [/either keys or jwksUri/, { jwksUri: 'https://issuer.test/keys' }],
    [/tokens must be rfc9068 or entra/, { tokens: 'Entra' }],
    [
      /tokens of Entra cannot be introspected/,
      { tokens: 'entra', introspect: { url: 'https://a.test', clientId: 'a', clientSecret: 'b' } },
    ],
    [/no JWK set/, { keys: [] }],
    [/none can be used/, { keys: { keys: [] } }],
    [/key "p" is published with its private part/, { keys: { keys: [{ ...key.jwk, kid: 'p', d: 'AA' }] } }],
    [/jwksUri must be an https address/, { keys: undefined, jwksUri: 'http://issuer.test/keys' }],
    [/issuer must be an https address/, { keys: undefined, issuer: 'http://issuer.test' }],
    [/issuer must not have a query/, { keys: undefined, issuer: 'https://issuer.test/?a' }],
    [/user name/, { keys: undefined, issuer: 'https://a:b@issuer.test' }],
    [/introspect.url/, { introspect: { url: 'http://issuer.test', clientId: 'a', clientSecret: 'b' } }],
    [
      /ttlSeconds/,
      { introspect: { url: 'https://a.test', clientId: 'a', clientSecret: 'b', ttlSeconds: -1 } },
    ],
    [/trusted is missing/, { clientCertificate: { header: 'client-cert' } }],
    [/clientCertificate.header/, { clientCertificate: { header: 'client cert', trusted: () => true } }],
    [/clientCertificate.header/, { clientCertificate: 'header' }],
    [
      /chainHeader must be the name/,
      { clientCertificate: { header: 'a', chainHeader: '', trusted: () => true } },
    ],
    [
      /chainHeader must be another/,
      { clientCertificate: { header: 'A', chainHeader: 'a', trusted: () => true } },
    ],
    [/clientId and clientSecret/, { introspect: { url: 'https://a.test', clientId: 'a', clientSecret: '' } }],
  ]
  for (const [message, wrong] of table)
    test(`${message.source}: ${Object.keys(wrong).join(', ')}`, () =>
      assert.throws(() => createGuard({ ...options, ...wrong } as GuardOptions), {
        name: 'TypeError',
        message,
      }))
})

describe('whatever comes is answered, never thrown', () => {
  const isRefused = async (token: string) => {
    const result = await guard.check(withToken(token))
    assert.ok(result instanceof Problem && result.status < 500, token)
    assert.match(result.reason, /^[\x20-\x7e]*$/)
  }
  test('a token with one character changed, left out or put in', () =>
    fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.constantFrom(0, 1),
        fc.string({ unit: 'grapheme', maxLength: 2 }),
        async (at, cut, put) => {
          const token = good.slice(0, at) + put + good.slice(at + cut)
          fc.pre(token.trimEnd() !== good && token.trimStart() !== good)
          await isRefused(token)
        },
      ),
      { numRuns: 500 },
    ))
  test('made-up headers and claims', () =>
    fc.assert(
      fc.asyncProperty(fc.json(), fc.json(), fc.uint8Array({ maxLength: 70 }), (one, two, bytes) =>
        isRefused(`${part(one)}.${part(two)}.${Buffer.from(bytes).toString('base64url')}`),
      ),
      { numRuns: 300 },
    ))
  test('signed claims of any kind: refused, or as the rules say', () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(undefined))
    const names = ['iss', 'aud', 'sub', 'client_id', 'exp', 'nbf', 'iat', 'jti', 'scope', 'cnf']
    return fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), value, async (name, changedTo) => {
        const text = JSON.stringify({ ...claims, [name]: changedTo })
        const result = await guard.check(withToken(await signedText(plainHeader, text)))
        if (isProblem(result)) return assert.equal(result.status, 401)
        assert.ok(typeof result.clientId === 'string' && result.clientId !== '')
        assert.equal(result.claims.cnf, undefined)
        assert.equal(result.claims.iss, issuer)
      }),
      { numRuns: 300 },
    )
  })
  test('headers of any kind', () =>
    fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(fc.string()),
          fc.string().map(s => `Bearer ${s}`),
        ),
        async authorization => {
          const result = await guard.check({ authorization })
          assert.ok(result instanceof Problem && result.status < 500)
        },
      ),
      { numRuns: 300 },
    ))
})
