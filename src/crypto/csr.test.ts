import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { keyPair, type SigningName, signings } from '../../test/support/chains.ts'
import { openssl } from '../../test/support/openssl.ts'
import { buildCsr, type Csr, proofProblem, readCsr, verifyCsr } from './csr.ts'
import {
  bitString,
  contextConstructed,
  DerError,
  encodeTlv,
  integer,
  nullValue,
  oid,
  printableString,
  readDer,
  sequence,
  setOf,
  utf8String,
} from './der.ts'
import { certificateExtensions as kinds, parseCertificateExtensions } from './extensions/index.ts'
import { buildName, formatName } from './names.ts'
import { OID } from './oids.ts'
import { encodePem } from './pem.ts'
import { makeRoot } from './server-certificate.ts'
import { spkiOf } from './spki.ts'

const p256 = keyPair('P-256')
const rsa = keyPair('RSA 2048')
const kindsOfKey = ['P-256', 'P-384', 'P-521', 'RSA 2048', 'Ed25519'] as const
const subject = [
  { type: 'C', value: 'DE' },
  { type: 'O', value: 'Example, Inc.' },
  { type: 'CN', value: 'Müller' },
]
const extensions = [
  kinds.subjectAltName.build([{ kind: 'dns', value: 'sender.example' }]),
  kinds.extendedKeyUsage.build([OID.clientAuth]),
]
const der = buildCsr({ subject, key: p256.privateKey, extensions })
const pem = encodePem('CERTIFICATE REQUEST', der)
const base64 = der.toString('base64')
const hexDump = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** A request of parts as they should not be. */
interface Parts {
  version?: Buffer
  name?: Buffer
  spki?: Buffer
  attributes?: readonly Buffer[] | undefined
  more?: readonly Buffer[]
  signing?: SigningName
  key?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
}

function request(parts: Parts = {}): Buffer {
  const { key = p256, signing = 'ECDSA SHA-256', attributes = [], more = [] } = parts
  const tbs = sequence([
    parts.version ?? integer(0),
    parts.name ?? buildName(subject),
    parts.spki ?? spkiOf(key.publicKey),
    ...('attributes' in parts && !parts.attributes
      ? []
      : [encodeTlv(contextConstructed(0), Buffer.concat(attributes))]),
    ...more,
  ])
  const { algorithm, sign } = signings[signing]
  return sequence([tbs, algorithm, bitString(sign(tbs, key.privateKey))])
}

const attribute = (type: string, ...values: Buffer[]) => sequence([oid(type), setOf(values)])
const asking = attribute('1.2.840.113549.1.9.14', sequence(extensions))
const asked = (csr: Csr) => parseCertificateExtensions(csr.extensions)

describe('a signing request that we make with', () => {
  for (const kind of kindsOfKey)
    test(`${kind} is verified by openssl and by us, and says what it was told`, () => {
      const { privateKey, publicKey } = keyPair(kind)
      const made = buildCsr({ subject, key: privateKey, extensions })
      const text = openssl(
        ['req', '-in', 'r.pem', '-verify', '-noout', '-text', '-nameopt', 'RFC2253,utf8'],
        {
          'r.pem': encodePem('CERTIFICATE REQUEST', made),
        },
      )
      assert.match(text, /Version: 1/)
      assert.match(text, /DNS:sender.example/)
      assert.match(text, /TLS Web Client Authentication/)
      const read = readCsr(made)
      assert.ok(verifyCsr(read))
      assert.deepEqual(read.raw, made)
      assert.ok(read.publicKey.equals(publicKey))
      assert.deepEqual(read.spki.raw, spkiOf(publicKey))
      assert.equal(formatName(read.subject), 'CN=Müller,O=Example\\, Inc.,C=DE')
      assert.deepEqual(asked(read).extendedKeyUsage, [OID.clientAuth])
    })

  test('an empty name and no extensions is read', () => {
    const read = readCsr(buildCsr({ subject: [], key: p256.privateKey }))
    assert.ok(verifyCsr(read))
    assert.deepEqual([read.subject.rdns, read.extensions], [[], []])
  })

  for (const [title, key, message] of [
    ['a public key', p256.publicKey, /public key cannot sign/],
    ['RSA of 1024 bits', keyPair('RSA 1024').privateKey, /1024 bits/],
    ['secp256k1', keyPair('secp256k1').privateKey, /secp256k1/],
  ] as const)
    test(`${title} is not made`, () =>
      assert.throws(() => buildCsr({ subject, key }), { name: 'DerError', message }))

  test('extensions that occur twice is not made', () =>
    assert.throws(
      () => buildCsr({ subject, key: p256.privateKey, extensions: [...extensions, extensions[0]!] }),
      { name: 'DerError', message: /occurs twice/ },
    ))
})

describe('a signing request of openssl is read and verified:', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['RSA', ['-newkey', 'rsa:2048']],
    ['RSA-PSS signature', ['-newkey', 'rsa:2048', '-sigopt', 'rsa_padding_mode:pss']],
    ['RSA-PSS key', ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048']],
    ['P-384 with SHA-512', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha512']],
    ['Ed25519', ['-newkey', 'ed25519']],
    ['NEW CERTIFICATE REQUEST', ['-newkey', 'ed25519', '-newhdr']],
    ['with text above', ['-newkey', 'rsa:2048', '-text']],
  ]
  for (const [title, args] of cases)
    test(title, () => {
      const read = readCsr(
        openssl([
          ...['req', '-new', ...args, '-nodes', '-keyout', 'k.pem', '-subj', '/CN=sender'],
          ...['-addext', 'keyUsage=critical,digitalSignature'],
        ]),
      )
      assert.ok(verifyCsr(read))
      assert.equal(formatName(read.subject), 'CN=sender')
      assert.deepEqual(asked(read).keyUsage, ['digitalSignature'])
    })

  test('with a challengePassword, which is ignored', () => {
    const config = [
      ...['[req]', 'distinguished_name=dn', 'attributes=a', 'prompt=no'],
      ...['[dn]', 'CN=sender', '[a]', 'challengePassword=secret-secret'],
    ].join('\n')
    const read = readCsr(
      openssl(['req', '-new', '-newkey', 'ed25519', '-nodes', '-keyout', 'k.pem', '-config', 'c.cnf'], {
        'c.cnf': config,
      }),
    )
    assert.ok(verifyCsr(read))
    assert.deepEqual(read.extensions, [])
  })
})

describe('a signing request is read from', () => {
  const forms: readonly (readonly [string, string | Uint8Array])[] = [
    ['DER', der],
    ['a view into a larger buffer', new Uint8Array(Buffer.concat([Buffer.alloc(3), der])).subarray(3)],
    ['PEM', pem],
    ['the bytes of a PEM file', Buffer.from(pem)],
    ['PEM without the last newline', pem.trimEnd()],
    ['PEM with CRLF', pem.replaceAll('\n', '\r\n')],
    ['PEM with literal \\n', pem.replaceAll('\n', '\\n')],
    ['PEM with literal \\r\\n', pem.replaceAll('\n', '\\r\\n')],
    ['PEM as a quoted string of JSON', JSON.stringify(pem)],
    ['PEM whose line breaks became spaces', pem.replaceAll('\n', ' ')],
    ['PEM with a byte order mark', `\ufeff${pem}`],
    ['PEM between other text', `my request:\n${pem}thank you`],
    ['PEM with the label of Windows', encodePem('NEW CERTIFICATE REQUEST', der)],
    ['URL-encoded PEM', encodeURIComponent(pem)],
    ['form-encoded PEM', new URLSearchParams({ c: pem }).toString().slice(2)],
    ['PEM with every octet URL-encoded', pem.replace(/[\s\S]/g, c => `%${hexDump(Buffer.from(c))}`)],
    ['base64 of DER', base64],
    ['base64 of DER in lines', base64.replace(/.{64}/g, '$&\n')],
    ['base64 of DER with literal \\n', base64.replace(/.{64}/g, '$&\\n')],
    ['URL-encoded base64 of DER', encodeURIComponent(base64)],
    ['base64 of PEM', Buffer.from(pem).toString('base64')],
    ['the bytes of a base64 file', Buffer.from(`${base64}\n`)],
  ]
  for (const [title, input] of forms) test(title, () => assert.deepEqual(readCsr(input).raw, der))
})

describe('what is requested may stand', () => {
  const titles: readonly (readonly [string, readonly Buffer[]])[] = [
    ['alone', [asking]],
    ['as Windows wrote it', [attribute('1.3.6.1.4.1.311.2.1.14', sequence(extensions))]],
    ['after other attributes', [attribute('1.2.840.113549.1.9.7', utf8String('secret')), asking]],
  ]
  for (const [title, attributes] of titles)
    test(title, () => {
      const read = readCsr(request({ attributes }))
      assert.ok(verifyCsr(read))
      assert.deepEqual(asked(read).subjectAltName, [{ kind: 'dns', value: 'sender.example' }])
    })

  test('nowhere, also when the attributes are left out altogether', () => {
    for (const parts of [{ attributes: [] }, { attributes: undefined }]) {
      const read = readCsr(request(parts))
      assert.ok(verifyCsr(read))
      assert.deepEqual(read.extensions, [])
    }
  })
})

describe('possession of the key is not proved by', () => {
  const notBy = (input: Buffer, message: RegExp) => {
    const read = readCsr(input)
    assert.equal(verifyCsr(read), false)
    assert.match(proofProblem(read) ?? '', message)
  }
  for (const [signing, key] of [
    ['RSA SHA-1', rsa],
    ['RSA MD5', rsa],
    ['PSS SHA-1', rsa],
    ['ECDSA SHA-1', p256],
  ] as const)
    test(`a signature with ${signing}`, () => notBy(request({ signing, key }), /with SHA-1 or MD5/))

  test('a signature of another key', () => {
    const other = keyPair('P-256', 1)
    notBy(request({ spki: spkiOf(other.publicKey) }), /not made with its own key/)
    notBy(request({ spki: spkiOf(rsa.publicKey) }), /not made with its own key/)
  })

  test('a signature of something else', () => {
    const [tbs] = readDer(request({ name: buildName([{ type: 'CN', value: 'other' }]) })).children()
    const [, algorithm, signature] = readDer(der).children()
    notBy(sequence([tbs!.raw, algorithm!.raw, signature!.raw]), /not made with its own key/)
  })

  test('no signature', () => {
    const [tbs, algorithm] = readDer(der).children()
    notBy(sequence([tbs!.raw, algorithm!.raw, bitString(Buffer.alloc(0))]), /not made with its own key/)
  })
})

describe('an error says what is wrong with', () => {
  const root = makeRoot({
    commonName: 'Root',
    now: Date.UTC(2026, 0, 1),
    random: length => Buffer.alloc(length, 7),
  })
  const lines = pem.split('\n')
  const key = (type: 'pkcs8' | 'sec1' | 'pkcs1', pair = p256) =>
    pair.privateKey.export({ type: type as 'pkcs8', format: 'der' })
  const encrypted = p256.privateKey.export({
    ...{ type: 'pkcs8', format: 'der' },
    ...{ cipher: 'aes-256-cbc', passphrase: 'x' },
  } as const)
  const keyPem = p256.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const rsaBits = readDer(spkiOf(rsa.publicKey)).children()
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['nothing', '', /empty/],
    ['no bytes', Buffer.alloc(0), /empty/],
    ['white space', ' \n\ufeff', /empty/],
    ['some text', 'request.pem', /neither PEM nor DER/],
    ['a % that encodes nothing', '%zz', /neither PEM nor DER/],
    ['base64 of some text', Buffer.from('hello').toString('base64'), /cut off|reaches beyond/],
    ['base64 that was cut off', base64.slice(0, -1), /Was something cut off/],
    ['a certificate', root.pem, /holds, a certificate: give the signing request/],
    ['a certificate in DER', root.der, /this is a certificate/],
    ['a certificate in base64', root.der.toString('base64'), /this is a certificate/],
    ['a private key', keyPem, /private key/],
    ['a broken private key', keyPem.slice(0, 80), /private key/],
    ['a URL-encoded private key', encodeURIComponent(keyPem), /private key/],
    ['a private key beside the request', pem + keyPem, /private key/],
    ['a private key in DER', key('pkcs8'), /this is a private key/],
    ['an Ed25519 private key in DER', key('pkcs8', keyPair('Ed25519')), /this is a private key/],
    ['an EC private key in DER', key('sec1'), /this is a private key/],
    ['an RSA private key in DER', key('pkcs1', rsa), /this is a private key/],
    ['an RSA private key in base64', key('pkcs8', rsa).toString('base64'), /this is a private key/],
    ['an encrypted private key in DER', encrypted, /this is a private key/],
    [
      'a private key under the label of a request',
      encodePem('CERTIFICATE REQUEST', key('pkcs8')),
      /private key/,
    ],
    ['a public key', encodePem('PUBLIC KEY', spkiOf(p256.publicKey)), /public key alone/],
    ['a public key in DER', spkiOf(p256.publicKey), /this is a public key alone/],
    ['an RSA public key in DER', rsa.publicKey.export({ type: 'pkcs1', format: 'der' }), /public key alone/],
    ['PKCS#7', encodePem('PKCS7', Buffer.from([0x30, 0])), /PKCS#7/],
    ['PKCS#7 in DER', sequence([oid('1.2.840.113549.1.7.2'), encodeTlv(0xa0, integer(1))]), /this is PKCS#7/],
    ['a PKCS#12 file', sequence([integer(3), sequence([]), sequence([])]), /a key store/],
    ['a PEM block of another kind', encodePem('X509 CRL', Buffer.from([0x30, 0])), /another PEM block/],
    ['two requests', pem + pem, /2 signing requests/],
    ['an end that was cut off', lines.slice(0, -2).join('\n'), /broken PEM: .*no END line/],
    ['a line that was cut off', pem.replace(lines[2]!, lines[2]!.slice(1)), /broken PEM: .*not exact base64/],
    ['a label that changes', pem.replace('BEGIN CERT', 'BEGIN NEW CERT'), /broken PEM/],
    ['DER that was cut off', der.subarray(0, -1), /reaches beyond the end/],
    ['something after the DER', Buffer.concat([der, Buffer.from([5, 0])]), /2 bytes after the end/],
    [
      'something inside after the DER',
      encodePem('CERTIFICATE REQUEST', Buffer.concat([der, Buffer.from([0])])),
      /1 bytes after/,
    ],
    ['more than 64 KiB of text', 'A'.repeat(64 * 1024 + 1), /up to 65536 are read/],
    [
      'more than 16 KiB of DER',
      request({ attributes: [attribute('1.2.3', utf8String('x'.repeat(16 * 1024)))] }),
      /up to 16384/,
    ],
    ['an encoding 33 levels deep', request({ attributes: [attribute('1.2.3', nested(30))] }), /32 levels/],
    ['another version', request({ version: integer(2) }), /a version that does not exist/],
    ['a negative version', request({ version: integer(-1) }), /a version that does not exist/],
    ['a name that is none', request({ name: setOf([]) }), /name/],
    ['something after the attributes', request({ more: [nullValue()] }), /unexpected null/],
    ['attributes in another tag', request({ attributes: undefined, more: [setOf([])] }), /unexpected set/],
    ['an attribute without a value', request({ attributes: [attribute('1.2.3')] }), /attribute is empty/],
    ['extensions requested twice', request({ attributes: [asking, asking] }), /asks for extensions twice/],
    [
      'two lists of extensions',
      request({
        attributes: [attribute('1.2.840.113549.1.9.14', sequence(extensions), sequence([extensions[0]!]))],
      }),
      /twice/,
    ],
    [
      'one extension twice',
      request({
        attributes: [attribute('1.2.840.113549.1.9.14', sequence([extensions[0]!, extensions[0]!]))],
      }),
      /occurs twice/,
    ],
    [
      'an empty list of extensions',
      request({ attributes: [attribute('1.2.840.113549.1.9.14', sequence([]))] }),
      /extensions is empty/,
    ],
    [
      'a key of no type',
      request({ spki: sequence([sequence([oid('1.2.3')]), bitString(Buffer.alloc(9))]) }),
      /unusable public key/,
    ],
    ['a point that is not on its curve', request({ spki: offCurve() }), /unusable public key/],
    ['the point at infinity', request({ spki: infinity() }), /the point at infinity/],
    [
      'an RSA key with something after it',
      request({
        spki: sequence([
          rsaBits[0]!.raw,
          bitString(Buffer.concat([rsaBits[1]!.content.subarray(1), Buffer.from([5, 0])])),
        ]),
      }),
      /not written as/,
    ],
    [
      'an RSA key without the NULL',
      request({ spki: sequence([sequence([oid(OID.rsaEncryption)]), rsaBits[1]!.raw]) }),
      /not written as/,
    ],
    [
      'a signature that is not whole octets',
      sequence([
        ...readDer(der)
          .children()
          .slice(0, 2)
          .map(({ raw }) => raw),
        bitString(Buffer.from([0xf0]), 4),
      ]),
      /not whole octets/,
    ],
    [
      'no request but a sequence',
      sequence([sequence([]), printableString('x')]),
      /signing request|AlgorithmIdentifier/,
    ],
  ]
  for (const [title, input, message] of cases)
    test(title, () => assert.throws(() => readCsr(input), { name: 'DerError', message }))

  test('a key, without repeating any of it', () => {
    const secret = hexDump(key('pkcs8')).slice(70, 140)
    for (const [title, input] of cases.filter(([name]) => name.includes('private key')))
      assert.throws(
        () => readCsr(input),
        (error: unknown) =>
          error instanceof DerError &&
          !error.message.includes(keyPem.slice(40, 60)) &&
          !error.message.includes(secret),
        title,
      )
  })
})

function nested(levels: number): Buffer {
  return levels === 0 ? nullValue() : sequence([nested(levels - 1)])
}

function infinity(): Buffer {
  const [algorithm] = readDer(spkiOf(p256.publicKey)).children()
  return sequence([algorithm!.raw, bitString(Buffer.from([0]))])
}

function offCurve(): Buffer {
  const spki = spkiOf(p256.publicKey)
  spki[spki.length - 1]! ^= 1
  return spki
}

test('a key is kept as it was written, its point in short form too', () => {
  const compressed = openssl(['ec', '-in', 'k.pem', '-conv_form', 'compressed', '-pubout'], {
    'k.pem': p256.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  })
  const spki = createPublicKey(compressed).export({ type: 'spki', format: 'der' })
  assert.deepEqual(readCsr(request({ spki })).spki.raw, spki)
})

test('no bit of a request can be changed', () => {
  for (const good of [buildCsr({ subject, key: generateKeyPairSync('ed25519').privateKey }), der])
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bad = Buffer.from(good)
      bad[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(outcome(bad), 'refused', `bit ${bit}`)
    }
})

/** Reads and verifies; fails the test for any error but a DerError. */
function outcome(input: string | Uint8Array): 'verified' | 'refused' {
  try {
    return verifyCsr(readCsr(input)) ? 'verified' : 'refused'
  } catch (error) {
    assert.ok(error instanceof DerError, String(error))
    return 'refused'
  }
}

test('a changed request is refused with a DerError or not verified, and nothing else happens', () => {
  const good = [
    der,
    buildCsr({ subject, key: rsa.privateKey, extensions }),
    request({ attributes: [asking] }),
  ]
  const change = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 4 }),
    insert: fc.uint8Array({ maxLength: 4 }),
  })
  const changed = fc
    .tuple(fc.constantFrom(...good), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([start, changes]) => {
      const now = changes.reduce((bytes, { at, remove, insert }) => {
        const place = at % bytes.length
        return Buffer.concat([bytes.subarray(0, place), insert, bytes.subarray(place + remove)])
      }, start)
      return { start, now }
    })
  fc.assert(
    fc.property(changed, ({ start, now }) => {
      assert.equal(outcome(now), start.equals(now) ? 'verified' : 'refused')
    }),
    { numRuns: 1500 },
  )
})

test('whatever is pasted is read, or refused with a DerError', () => {
  const pieces = fc.constantFrom(
    ...[pem, base64, pem.replaceAll('\n', '\\n'), encodeURIComponent(pem), '\ufeff', '0\0'],
    ...['-----BEGIN CERTIFICATE REQUEST-----', '-----END CERTIFICATE REQUEST-----', '-----BEGIN X-----'],
    ...['%', '%0a', '\\n', '+', '=', '\r\n', '-----', 'PRIVATE KEY'],
  )
  const text = fc
    .array(fc.oneof(pieces, fc.string({ maxLength: 20 })), { maxLength: 6 })
    .map(parts => parts.join(''))
  const tlv = fc
    .tuple(fc.constantFrom(0x30, 0x31, 0x02, 0xa0), fc.uint8Array({ maxLength: 80 }))
    .map(([tag, content]) => sequence([encodeTlv(tag, content), encodeTlv(tag, content)]))
  fc.assert(
    fc.property(fc.oneof(text, fc.string(), fc.uint8Array({ maxLength: 200 }), tlv), input => {
      outcome(input)
    }),
    { numRuns: 1500 },
  )
})
