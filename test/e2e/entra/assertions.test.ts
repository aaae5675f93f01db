import assert from 'node:assert/strict'
import { createHmac, hash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  type Application,
  removeCertificate,
  updateApplication,
} from '../../../src/core/applications/index.ts'
import { algorithm } from '../../../src/crypto/algorithms.ts'
import { encodeBase64url } from '../../../src/crypto/base64url.ts'
import { keyPair } from '../../support/chains.ts'
import { newRoot, type Sender } from '../../support/senders.ts'
import { type Answer, orThrow, startTestServer, type TestServer } from '../../support/server.ts'
import { forge, newTenant } from '../token-server/world.ts'
import { decisionOf } from '../worker/world.ts'
import {
  ask,
  assertNumber,
  type Claims,
  claimsOf,
  holdCertificate,
  jwtBearer,
  newApp,
  newCertificate,
  sha1Of,
  signed,
  tokenOf,
  withAssertion,
} from './world.ts'

let server: TestServer
let app: Application
let certificate: Sender
let second: Sender
const stranger = newCertificate('stranger')
before(async () => {
  server = await startTestServer()
  app = await newApp(server)
  ;[certificate, second] = [newCertificate('first'), newCertificate('second')]
  for (const one of [certificate, second]) await holdCertificate(server, app, one)
})
after(() => server.close())

const send = (assertion: string, more: Record<string, string> = {}): Promise<Answer> =>
  ask(server, { ...withAssertion(assertion), scope: `${app.clientId}/.default`, ...more })
const present = (more: Claims = {}, header: Claims = {}, by: Sender = certificate) =>
  send(signed(by, claimsOf(server, app, more), header))
const refused = (answer: Answer, number: number, text?: RegExp) =>
  assertNumber(answer, 401, 'invalid_client', number, text)
/** Malformed assertions name their client nowhere else. */
const sendNamed = (assertion: string) => send(assertion, { client_id: app.clientId })
const seconds = () => Math.floor(server.now() / 1000)
const spkiDigest = ({ pair }: Sender) =>
  hash('sha256', pair.publicKey.export({ type: 'spki', format: 'der' }), 'base64url')

describe('the certificate', () => {
  test('is found by each name that a header may give it', async () => {
    const hex = (algorithm: string) => hash(algorithm, certificate.der, 'hex')
    const headers: Claims[] = [
      { 'x5t#S256': certificate.thumbprint },
      { x5t: sha1Of(certificate), alg: 'RS256' },
      { x5t: sha1Of(certificate), 'x5t#S256': certificate.thumbprint },
      { kid: sha1Of(certificate) },
      { kid: certificate.thumbprint },
      { kid: spkiDigest(certificate) },
      ...['sha1', 'sha256'].flatMap(name => [{ kid: hex(name) }, { kid: hex(name).toUpperCase() }]),
      { x5c: [certificate.der.toString('base64')] },
      { x5c: [certificate.der.toString('base64'), second.der.toString('base64')], x5t: sha1Of(certificate) },
    ]
    for (const header of headers) tokenOf(await present({}, header))
  })

  test('is found in assertions as the described clients write them', async () => {
    const now = seconds()
    const claims = claimsOf(server, app, { exp: now + 300, nbf: undefined })
    const by = (header: Claims) =>
      forge(algorithm('RS256')!, certificate.pair.privateKey, { alg: 'RS256', ...header }, claims)
    for (const header of [
      { kid: sha1Of(certificate) },
      { typ: 'JWT', x5t: sha1Of(certificate) },
      { kid: spkiDigest(certificate), 'x5t#S256': certificate.thumbprint },
    ])
      tokenOf(await send(by(header)))
  })

  test('is not found by names of others, nor by two that contradict each other', async () => {
    const headers: Claims[] = [
      { 'x5t#S256': stranger.thumbprint },
      { x5t: certificate.thumbprint },
      { 'x5t#S256': sha1Of(certificate) },
      { x5t: sha1Of(second), 'x5t#S256': certificate.thumbprint },
      { x5t: sha1Of(certificate), x5c: [second.der.toString('base64')] },
      { kid: '../../etc/passwd' },
      { kid: "' or 1=1 --" },
      { x5t: Buffer.from(hash('sha1', certificate.der, 'hex')).toString('base64url') },
      { x5t: [sha1Of(certificate)] },
      { x5c: [stranger.der.toString('base64')] },
    ]
    for (const header of headers) refused(await present({}, header), 700027)
    for (const x5c of [certificate.der.toString('base64'), [], null])
      refused(await present({}, { x5c }), 50027, /No certificate thumbprint/)
  })

  test('of another application is no certificate of this one', async () => {
    const other = await newApp(server)
    const theirs = newCertificate('theirs')
    await holdCertificate(server, other, theirs)
    refused(await present({}, {}, theirs), 700027, /The key was not found/)
    tokenOf(await send(signed(theirs, claimsOf(server, other))))
  })

  test('may belong to two applications, and each assertion to one', async () => {
    const other = await newApp(server)
    await holdCertificate(server, other, certificate)
    const assertion = signed(certificate, claimsOf(server, other))
    tokenOf(await send(assertion))
    refused(await send(assertion, { client_id: app.clientId }), 700021)
  })

  test('is refused from the next request on once it is removed', async () => {
    const own = await newApp(server)
    await holdCertificate(server, own, certificate)
    const by = () => send(signed(certificate, claimsOf(server, own)))
    tokenOf(await by())
    const sha1 = hash('sha1', certificate.der, 'hex')
    orThrow(await removeCertificate(server.tenant, own.clientId, sha1, server.server.services))
    refused(await by(), 700027)
  })

  test('needs nobody who vouches for it, only its dates', async () => {
    const own = await newApp(server)
    const issued = newRoot('nobody knows').issue({ key: keyPair('RSA 2048', 900) })
    await holdCertificate(server, own, issued)
    tokenOf(await send(signed(issued, claimsOf(server, own))))
  })

  test('may share its key with others, which end by themselves', async () => {
    const own = await newApp(server)
    const ca = newRoot('renews with the same key')
    const key = keyPair('RSA 2048', 900)
    const day = 86_400_000
    const renewed = ca.issue({ key })
    for (const notAfter of [server.now() + day, server.now() + 2 * day])
      await holdCertificate(server, own, ca.issue({ key, notAfter }))
    await holdCertificate(server, own, renewed)
    const by = () => send(signed(renewed, claimsOf(server, own), { kid: spkiDigest(renewed) }))
    tokenOf(await by())
    server.advance(3 * day)
    tokenOf(await by())
    server.advance(90 * day)
    refused(await by(), 700027, /The key used is expired/)
    server.advance(-93 * day)
  })

  test('cannot be used for connections: it opens no other address', async () => {
    const answer = await server.call('/oauth/token', {
      method: 'POST',
      body: {
        grant_type: 'client_credentials',
        ...withAssertion(signed(certificate, claimsOf(server, app, { aud: server.url }))),
      },
    })
    assert.equal(answer.status, 401)
    assert.equal(answer.json().error, 'invalid_client')
  })
})

describe('for whom it is', () => {
  test('the token endpoint or the issuer, by any name of the tenant', async () => {
    const { guid, name } = server.tenant
    for (const tenant of [guid, name])
      for (const tail of ['oauth2/v2.0/token', 'oauth2/token', 'v2.0', '']) {
        tokenOf(await present({ aud: `${server.url}/${tenant}/${tail}` }))
        tokenOf(await present({ aud: [`${server.url}/${tenant}/${tail}`] }))
        if (tenant === guid) tokenOf(await present({ aud: `${server.url}/${guid.toUpperCase()}/${tail}` }))
      }
  })

  test('anything else is refused, and more than one', async () => {
    const good = `${server.url}/${server.tenant.guid}/oauth2/v2.0/token`
    const other = await newTenant(server, 'another')
    for (const aud of [
      [good, 'https://attacker.example'],
      [good, good],
      [],
      server.url,
      `${server.url}/oauth/token`,
      `${good}?x=1`,
      good.toUpperCase(),
      `${server.url}/${other.guid}/oauth2/v2.0/token`,
      `${server.url}/common/oauth2/v2.0/token`,
      'https://login.microsoftonline.com/common/v2.0',
      '',
      null,
      undefined,
      7,
    ])
      refused(await present({ aud }), 700023)
  })
})

describe('when it counts', () => {
  test('for an hour at most, with or without nbf and iat', async () => {
    tokenOf(await present({ exp: seconds() + 3600 }))
    tokenOf(await present({ nbf: undefined, iat: undefined }))
    tokenOf(await present({ exp: seconds() - 50 }))
  })

  test('not when it is over, not yet begun, or without an end', async () => {
    for (const claims of [
      { exp: seconds() - 70 },
      { exp: undefined },
      { exp: 'tomorrow' },
      { exp: 1e300 },
      { nbf: seconds() + 70 },
      { iat: seconds() + 70 },
      { nbf: 'now' },
    ])
      refused(await present(claims), 700024)
    refused(await present({ nbf: undefined, exp: 1 }), 700024, /valid from 1970-01-01T00:00:00\.0000000Z/)
  })

  test('as often as it is sent: libraries send one for ten minutes, and the log tells', async () => {
    const told = () => server.log.filter(({ message }) => message === 'a client assertion was used again')
    const before = told().length
    const assertion = signed(certificate, claimsOf(server, app))
    for (let i = 0; i < 3; i++) tokenOf(await send(assertion))
    assert.equal(told().length - before, 2)
    assert.ok(told().every(({ fields }) => fields.clientId === app.clientId))
  })

  test('once, where the application says so', async () => {
    const own = await newApp(server, { assertionReplay: 'refused' })
    await holdCertificate(server, own, certificate)
    const [first, second] = [1, 2].map(() => signed(certificate, claimsOf(server, own)))
    tokenOf(await send(first!))
    const again = await send(first!)
    refused(again, 50027, /its jti was used before/)
    assert.match((await decisionOf({ server }, again)).hint!, /app update .* --assertion-replay reported/)
    tokenOf(await send(second!))
    const change = { assertionReplay: 'reported' } as const
    orThrow(await updateApplication(server.tenant, own.clientId, change, server.server.services))
    tokenOf(await send(first!))
  })
})

describe('how it is signed', () => {
  test('RS256 and PS256 with one certificate, ES256 with one of that kind', async () => {
    for (const alg of ['RS256', 'PS256']) tokenOf(await present({}, { alg }))
    const own = await newApp(server)
    const curve = newCertificate('curve', { key: keyPair('P-256', 900) })
    await holdCertificate(server, own, curve)
    tokenOf(await send(signed(curve, claimsOf(server, own), { alg: 'ES256' })))
    const swapped = forge(
      input => Buffer.alloc(input.length > 0 ? 256 : 0),
      undefined,
      { alg: 'RS256', 'x5t#S256': curve.thumbprint },
      claimsOf(server, own),
    )
    refused(await send(swapped), 700027, /use of the key to verify the signature failed/)
  })

  test('none, and HMAC keyed with what is public, are refused', async () => {
    const pem = certificate.pair.publicKey.export({ type: 'spki', format: 'pem' }) as string
    const hmac = (key: string) => (input: Buffer) => createHmac('sha256', key).update(input).digest()
    const empty = () => Buffer.alloc(0)
    for (const [alg, sign] of [
      ['none', empty],
      ['None', empty],
      ['HS256', hmac(pem)],
      ['HS256', hmac(certificate.pem)],
      ['HS256', hmac('')],
      ['ES512', empty],
      [undefined, empty],
      [['PS256'], empty],
    ] as const) {
      const header = { alg, typ: 'JWT', 'x5t#S256': certificate.thumbprint }
      refused(await send(forge(sign, undefined, header, claimsOf(server, app))), 50027)
    }
  })

  test('the header cannot bring a key of its own', async () => {
    const named = { 'x5t#S256': certificate.thumbprint }
    const jwk = stranger.pair.publicKey.export({ format: 'jwk' })
    for (const header of [
      {},
      { jwk },
      { jku: 'https://attacker.example/keys' },
      { x5u: 'https://attacker.example/chain.pem' },
      { x5c: [stranger.der.toString('base64')] },
    ])
      refused(await present({}, { ...named, ...header }, stranger), 700027)
    tokenOf(await present({}, { ...named, jwk, jku: 'https://attacker.example/', x5u: 'x' }))
  })

  test('a changed letter spoils it', async () => {
    const [header, claims, signature] = signed(certificate, claimsOf(server, app)).split('.') as [
      string,
      string,
      string,
    ]
    const longer = encodeBase64url(JSON.stringify(claimsOf(server, app, { exp: seconds() + 500 })))
    refused(await send(`${header}.${longer}.${signature}`), 700027)
    refused(await send(`${header}.${claims}.`), 700027)
  })
})

describe('of what form it is', () => {
  test('types of other protocols are refused', async () => {
    for (const typ of ['at+jwt', 'dpop+jwt', 'secevent+jwt', '', 7]) {
      const assertion = signed(certificate, claimsOf(server, app), {
        typ,
        'x5t#S256': certificate.thumbprint,
      })
      refused(await sendNamed(assertion), 50027)
    }
  })

  test('what is no compact JWS is refused: encrypted, cut, doubled, with members twice, with crit', async () => {
    const whole = signed(certificate, claimsOf(server, app))
    const [header, claims, signature] = whole.split('.') as [string, string, string]
    const twice = JSON.stringify(claimsOf(server, app)).replace('{', '{"sub":"another",')
    for (const text of [
      `${whole}.${signature}.${signature}`,
      `${header}.${claims}`,
      `${header}=.${claims}.${signature}`,
      ` ${whole}`,
      JSON.stringify({ protected: header, payload: claims, signature }),
      signed(certificate, twice),
      signed(certificate, claimsOf(server, app), {
        'x5t#S256': certificate.thumbprint,
        crit: ['b64'],
        b64: false,
      }),
      signed(certificate, claimsOf(server, app, { filler: 'x'.repeat(20_000) })),
    ])
      refused(await sendNamed(text), 50027)
  })

  test('a huge one is refused before it is there', async () => {
    const answer = await sendNamed('x'.repeat(1_000_000))
    assertNumber(answer, 413, 'invalid_request', 9002313)
  })

  test('a token of ours is no assertion', async () => {
    const token = tokenOf(await present())
    refused(await send(token, { client_id: app.clientId }), 700027)
  })

  test('its client may be left out, in either case, and is the one that it names', async () => {
    tokenOf(await send(signed(certificate, claimsOf(server, app)), { client_id: app.clientId }))
    const upper = app.clientId.toUpperCase()
    tokenOf(await send(signed(certificate, claimsOf(server, app, { iss: upper, sub: upper }))))
    const other = await newApp(server)
    refused(await send(signed(certificate, claimsOf(server, app)), { client_id: other.clientId }), 700027)
    const named = { client_assertion_type: jwtBearer, client_id: app.clientId }
    refused(await ask(server, { ...named, scope: 'x' }), 50027)
  })
})
