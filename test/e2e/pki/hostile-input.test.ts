import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { buildOcspRequest, readOcspResponse } from '../../../src/crypto/ocsp/index.ts'
import { decodePem, encodePem } from '../../../src/crypto/pem.ts'
import { callMtls, issued, newRoot, pemOf, type Sender } from '../../support/senders.ts'
import { type Answer, callUrl, startTestServer, type TestServer } from '../../support/server.ts'
import { type Admin, adminWith, allRoles } from '../admin/world.ts'
import { certificatesOf, signingRequest } from './world.ts'

/** Each test ends after so long, however far it has come. */
const budget = { interruptAfterTimeLimit: 900, markInterruptAsFailure: false, numRuns: 2000 }

let server: TestServer
let admin: Admin
before(async () => {
  server = await startTestServer()
  admin = adminWith(server, await server.adminToken(...allRoles))
})
after(() => server.close())

const nested = (levels: number): Buffer => {
  let inside = Buffer.alloc(0)
  for (let i = 0; i < levels; i++) {
    const { length } = inside
    const head = length < 0x80 ? [0x30, length] : [0x30, 0x82, length >> 8, length & 0xff]
    inside = Buffer.concat([Buffer.from(head), inside])
  }
  return inside
}

/** What kills parsers: depth, lengths that are not there, indefinite length, nothing. */
const crafted: readonly Buffer[] = [
  Buffer.alloc(0),
  nested(200),
  nested(3000),
  Buffer.alloc(12_000, 0x30),
  Buffer.from('3084ffffffff', 'hex'),
  Buffer.from('3088ffffffffffffffff', 'hex'),
  Buffer.from('308400ffffff30', 'hex'),
  Buffer.from('3080300000000000', 'hex'),
  Buffer.from('30fe', 'hex'),
  Buffer.concat([Buffer.from('30822000', 'hex'), Buffer.alloc(8192, 0x05)]),
  Buffer.from('1fffffffffffffffff7f00', 'hex'),
]

/** Something good, spoilt: bits turned over, octets put in or taken out, cut off, its head swapped for another. */
function spoilt(good: Buffer): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat(good.length - 1),
    how: fc.constantFrom('flip', 'insert', 'remove', 'set'),
    octet: fc.constantFrom(0x00, 0x30, 0x80, 0x84, 0xff, 0x7f, 0x05, 0xa0, 0x1f),
    bit: fc.nat(7),
  })
  const changed = fc.array(change, { minLength: 1, maxLength: 4 }).map(changes => {
    const octets = [...good]
    for (const { at, how, octet, bit } of changes) {
      if (how === 'flip') octets[at % octets.length]! ^= 1 << bit
      else octets.splice(at, how === 'insert' ? 0 : 1, ...(how === 'remove' ? [] : [octet]))
    }
    return Buffer.from(octets)
  })
  return fc.oneof(
    { weight: 6, arbitrary: changed },
    { weight: 2, arbitrary: fc.nat(good.length - 1).map(length => good.subarray(0, length)) },
    { weight: 1, arbitrary: fc.constantFrom(...crafted) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map(octets => Buffer.from(octets)) },
  )
}

/** As a sender or an operator would paste it, and as nobody should. */
function spoiltText(label: string, good: Buffer): fc.Arbitrary<string> {
  const whole = encodePem(label, good)
  const change = fc.record({
    at: fc.nat(whole.length - 1),
    text: fc.constantFrom('-', '=', '\n', '\r\n', '\\n', '%', '%0A', '\0', '\u2028', '-----BEGIN', 'A', ' '),
    take: fc.nat(3),
  })
  return fc.oneof(
    { weight: 4, arbitrary: spoilt(good).map(der => encodePem(label, der)) },
    {
      weight: 3,
      arbitrary: fc
        .array(change, { minLength: 1, maxLength: 3 })
        .map(changes =>
          changes.reduce(
            (text, { at, text: put, take }) => text.slice(0, at) + put + text.slice(at + take),
            whole,
          ),
        ),
    },
    { weight: 1, arbitrary: fc.nat(whole.length).map(length => whole.slice(0, length)) },
    { weight: 1, arbitrary: spoilt(good).map(der => der.toString('base64')) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(whole.repeat(40), '-----BEGIN '.repeat(2000), '\n'.repeat(9000)),
    },
  )
}

/** Refused with words, or, where the change did no harm, accepted; never broken. */
function assertDecent(answer: Answer, accepted: number): void {
  if (answer.status === accepted) return
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text.slice(0, 500)}`)
  const problem = answer.json<{ error_description?: string; detail?: string; title?: string }>()
  assert.ok((problem.detail ?? problem.error_description ?? problem.title ?? '').length > 5, answer.text)
}

/** The process still serves, and nothing surprised it. */
async function assertServing(): Promise<void> {
  assert.equal((await server.call('/livez')).status, 200)
  assert.deepEqual(
    server.log.filter(({ level }) => level === 'error'),
    [],
  )
}

const check = async <Input>(inputs: fc.Arbitrary<Input>, judge: (input: Input) => Promise<void>) => {
  await fc.assert(fc.asyncProperty(inputs, judge), budget)
  await assertServing()
}

async function ocspRequest(): Promise<Buffer> {
  const [leaf, issuer] = certificatesOf((await issued(server)).credential.cert)
  return buildOcspRequest({ certificate: leaf!, issuer: issuer!, nonce: Buffer.alloc(16, 7) })
}

test('POST /pki/ocsp answers whatever it gets with OCSP: malformed, or what it makes of it', async () => {
  await check(spoilt(await ocspRequest()), async body => {
    const answer = await callUrl(`${server.pkiUrl}/pki/ocsp`, server.ca, { method: 'POST', body })
    assert.equal(answer.status, 200)
    const { status } = readOcspResponse(answer.bytes)
    assert.ok(['successful', 'malformedRequest', 'unauthorized'].includes(status), status)
  })
})

test('GET /pki/ocsp/… answers whatever stands there', async () => {
  const good = await ocspRequest()
  const character = fc.constantFrom(
    '%2F',
    '%',
    '%00',
    '/',
    '//',
    '..',
    '%2e%2e',
    '?',
    ' ',
    '"',
    'é',
    '\\',
    ';',
  )
  const written = fc.oneof(
    spoilt(good).map(body => encodeURIComponent(body.subarray(0, 4000).toString('base64'))),
    fc
      .tuple(fc.nat(80), character)
      .map(([at, put]) => {
        const text = good.toString('base64')
        return Buffer.from(text.slice(0, at) + put + text.slice(at)).toString('latin1')
      })
      .filter(text => !/[ \r\n]/.test(text)),
  )
  await check(written, async text => {
    const answer = await callUrl(`${server.pkiUrl}/pki/ocsp/${text}`, server.ca, {})
    if (answer.status === 200) readOcspResponse(answer.bytes)
    else assertDecent(answer, 200)
  })
})

test('POST /pki/renew refuses what is no signing request with what is wrong, and the certificate can still be renewed', async () => {
  const sender = await issued(server)
  const [{ der: csr } = assert.fail()] = decodePem(signingRequest('P-256'))
  const bodies = fc.oneof(
    spoilt(csr),
    spoiltText('CERTIFICATE REQUEST', csr).map(text => Buffer.from(text)),
  )
  const renew = (body: Buffer, path = '/pki/renew') =>
    callMtls(server, path, sender, { method: 'POST', body })
  await check(bodies, async body => assertDecent(await renew(body), 200))
  await check(fc.string({ maxLength: 40 }).map(encodeURIComponent), async query =>
    assertDecent(await renew(Buffer.from('x'), `/pki/renew?authority=${query}`), 200),
  )
  assert.equal((await renew(Buffer.alloc(70_000, 0x30))).status, 413)
  assert.equal((await renew(csr)).status, 200)
})

const foreign = (): Sender => newRoot('somebody’s root').issue()

test('trust add refuses what is no certificate of an authority with what is wrong', async () => {
  const root = newRoot('a root')
  await check(spoiltText('CERTIFICATE', root.der), async certificates =>
    assertDecent(await admin.call('POST', '/trust', { certificates }), 201),
  )
  assert.equal((await admin.call('POST', '/trust', { certificates: root.pem })).status, 201)
})

test('key create refuses what is no certificate with what is wrong', async () => {
  await admin.call('POST', '/instances', { name: 'fuzzed', plan: 'integration-flow' })
  const { der } = foreign()
  let count = 0
  const create = (certificate: string) =>
    admin.call('POST', '/instances/fuzzed/keys', {
      name: `key-${++count}`,
      parameters: { 'key-type': 'certificate_external', 'X.509': certificate, 'allow-untrusted': true },
    })
  await check(spoiltText('CERTIFICATE', der), async text => assertDecent(await create(text), 201))
  assert.equal((await create(foreign().pem)).status, 201)
})

test('key create refuses what is no signing request with what is wrong', async () => {
  await admin.call('POST', '/instances', { name: 'fuzzed-requests', plan: 'integration-flow' })
  const [{ der } = assert.fail()] = decodePem(signingRequest('P-256'))
  let count = 0
  const create = (csr: string) =>
    admin.call('POST', '/instances/fuzzed-requests/keys', {
      name: `key-${++count}`,
      parameters: { 'key-type': 'certificate', csr },
    })
  await check(spoiltText('CERTIFICATE REQUEST', der), async text => assertDecent(await create(text), 201))
  assert.equal((await create(signingRequest('P-256'))).status, 201)
})

test('explain says of any certificate what is wrong with it', async () => {
  const { der } = foreign()
  const explain = (certificate: string) => admin.call('POST', '/explain', { certificate })
  await check(spoiltText('CERTIFICATE', der), async text => assertDecent(await explain(text), 200))
  assert.equal((await explain(pemOf(der))).status, 200)
})

test('authority import refuses what is no authority with what is wrong', async () => {
  const root = newRoot('imported root')
  const key = root.pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  await check(
    fc.tuple(spoiltText('CERTIFICATE', root.der), fc.constantFrom(key, '', 'no key', root.pem)),
    async ([certificates, ownKey]) =>
      assertDecent(await admin.call('POST', '/authority/import', { certificates, key: ownKey }), 201),
  )
})

test('revocation by any name refuses what was never issued', async () => {
  await check(fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }), async name =>
    assertDecent(await admin.call('POST', `/certificates/${encodeURIComponent(name)}/revocation`, {}), 200),
  )
})
