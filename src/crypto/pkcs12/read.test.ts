import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { chainOf, type KeyKind, keyPair } from '../../../test/support/chains.ts'
import { runOpenssl } from '../../../test/support/openssl-run.ts'
import {
  attribute,
  certificateBag,
  clearBags,
  contentInfo,
  friendlyName,
  keyBag,
  keyWithChain,
  localKeyId,
  opensslPkcs12,
  partsOf,
  pfx,
  pfxOfBags,
  safeBag,
} from '../../../test/support/pkcs12.ts'
import {
  type DerNode,
  encodeTlv,
  explicit,
  implicit,
  integer,
  nullValue,
  octetString,
  oid,
  readDer,
  sequence,
  TAG,
  utf8String,
} from '../der.ts'
import { encodePem } from '../pem.ts'
import { Pkcs12Error, type Pkcs12Problem } from './error.ts'
import { OID } from './oids.ts'
import { type Pkcs12Passwords, readPkcs12 } from './read.ts'
import { writePkcs12 } from './write.ts'

const made = keyWithChain('P-256')
const [leaf, middle, root] = made.chain as [Buffer, Buffer, Buffer]
const pkcs8 = made.privateKey.export({ type: 'pkcs8', format: 'der' })
const read = (file: Buffer, passwords: Pkcs12Passwords = { store: 'secret' }) => readPkcs12(file, passwords)

describe('what is written here is read here, with a key of', () => {
  for (const kind of ['RSA 2048', 'P-256', 'P-384', 'P-521', 'Ed25519'] satisfies KeyKind[])
    test(kind, () => {
      const { privateKey, chain } = keyWithChain(kind)
      const [certificate, ...above] = chain
      const passphrase = 'pässwörd € 😀'
      const file = writePkcs12({
        ...{ key: privateKey, certificate: certificate!, chain: above.toReversed() },
        ...{ friendlyName: 'Empfänger 😀', passphrase, random: randomBytes },
      })
      const [entry, ...others] = read(file, { store: passphrase }).entries
      assert.ok(entry)
      assert.deepEqual(others, [])
      assert.ok(entry.privateKey.equals(privateKey))
      assert.deepEqual(entry.chain, chain)
      assert.equal(entry.alias, 'Empfänger 😀')
    })
})

describe('a key is put to its certificate', () => {
  const renewed = chainOf([{}, {}, { key: made, serial: 77 }])[2]!
  const other = keyWithChain('P-256', 8)
  const otherKey = other.privateKey.export({ type: 'pkcs8', format: 'der' })
  const leafOf = (...bags: Buffer[]) => read(pfxOfBags(...bags)).entries.map(({ chain }) => chain[0])

  test('by its public key', () => {
    assert.deepEqual(leafOf(certificateBag(root), keyBag(pkcs8), certificateBag(leaf)), [leaf])
  })

  test('by its localKeyId, where several are of its public key', () => {
    const bags = [certificateBag(leaf, localKeyId('1')), certificateBag(renewed, localKeyId('2'))]
    assert.deepEqual(leafOf(keyBag(pkcs8, localKeyId('1')), ...bags), [leaf])
    assert.deepEqual(leafOf(keyBag(pkcs8, localKeyId('2')), ...bags), [renewed])
    assert.deepEqual(leafOf(keyBag(pkcs8, localKeyId('3')), ...bags), [leaf])
    assert.deepEqual(leafOf(keyBag(pkcs8), ...bags), [leaf])
  })

  test('and another key to another one, with the chain of both', () => {
    const { entries } = read(
      pfxOfBags(
        ...[pkcs8, otherKey].map(key => keyBag(key)),
        ...[...made.chain, other.chain[0]!].map(der => certificateBag(der)),
      ),
    )
    assert.deepEqual(
      entries.map(({ chain }) => chain),
      [made.chain, [other.chain[0], middle, root]],
    )
  })

  test('whose name it has, where it has none itself', () => {
    const names = (...bags: Buffer[]) => read(pfxOfBags(...bags)).entries.map(({ alias }) => alias)
    assert.deepEqual(names(keyBag(pkcs8, friendlyName('key')), certificateBag(leaf, friendlyName('cert'))), [
      'key',
    ])
    assert.deepEqual(names(keyBag(pkcs8), certificateBag(leaf, friendlyName('cert'))), ['cert'])
    assert.deepEqual(names(keyBag(pkcs8, friendlyName('')), certificateBag(leaf)), [undefined])
    assert.deepEqual(
      names(keyBag(pkcs8, attribute(OID.friendlyName, utf8String('é'))), certificateBag(leaf)),
      ['é'],
    )
    assert.deepEqual(names(keyBag(pkcs8, attribute(OID.friendlyName)), certificateBag(leaf)), [undefined])
  })

  test('or not at all, which is said with the reason', () => {
    const refused = (message: RegExp, ...bags: Buffer[]) =>
      assert.throws(() => read(pfxOfBags(...bags)), { problem: 'no-certificate', message })
    refused(/^the private key has no certificate: the file holds no certificate at all;/, keyBag(pkcs8))
    refused(
      /^the private key "a" has no certificate: the file holds certificates of other keys only;/,
      ...[keyBag(pkcs8, friendlyName('a')), certificateBag(root)],
    )
    refused(
      /^the private key has no certificate: the certificate that the file ties to it is of another key;/,
      ...[keyBag(pkcs8, localKeyId('1')), certificateBag(other.chain[0]!, localKeyId('1'))],
    )
  })
})

describe('a chain', () => {
  const chainOfBags = (...ders: readonly Buffer[]) =>
    read(pfxOfBags(keyBag(pkcs8), ...ders.map(der => certificateBag(der)))).entries[0]?.chain

  test('goes by the key identifier, where two authorities have one name', () => {
    const [, impostor] = chainOf([{}, { key: keyPair('P-256', 9) }, {}])
    assert.deepEqual(chainOfBags(impostor!, leaf, middle, root), [leaf, middle, root])
    assert.deepEqual(chainOfBags(impostor!, leaf, root), [leaf])
  })

  test('goes by the name, where there is no key identifier', () => {
    const bare = { extensions: { ski: undefined, aki: undefined } }
    const [first, second, third] = chainOf([bare, bare, { ...bare, key: made }])
    assert.deepEqual(chainOfBags(first!, second!, third!), [third, second, first])
  })

  test('ends where it would begin again', () => {
    const [a, b] = [keyPair('P-256', 10), made]
    const names = chainOf([
      { cn: 'a', key: a },
      { cn: 'b', key: b },
    ])
    const [first] = chainOf([
      { cn: 'b', key: b },
      { cn: 'a', key: a },
    ]).slice(1)
    assert.deepEqual(chainOfBags(names[1]!, first!), [names[1], first])
  })
})

describe('what is of no use here is left out', () => {
  for (const [title, type] of [
    ['a secret', OID.secretBag],
    ['a revocation list', OID.crlBag],
  ] as const)
    test(title, () => {
      const other = safeBag(type, sequence([oid(OID.data), explicit(0, octetString(Buffer.alloc(4)))]))
      assert.equal(read(pfxOfBags(other, keyBag(pkcs8), certificateBag(leaf))).entries.length, 1)
    })

  test('bags inside a bag are read', () => {
    const inner = safeBag(OID.safeContentsBag, sequence([keyBag(pkcs8), certificateBag(leaf)]))
    assert.equal(read(pfxOfBags(inner)).entries.length, 1)
  })

  test('nothing is in a file without bags', () => {
    const none = { entries: [], certificates: [], hasMac: true }
    assert.deepEqual(read(pfxOfBags()), none)
    assert.deepEqual(read(pfx(sequence([]))), none)
  })
})

/** The same in BER: indefinite lengths, and longer ones than needed; octet strings in pieces of three octets. */
function berOf(node: DerNode): Buffer {
  const indefinite = (identifier: number, parts: readonly Buffer[]) =>
    Buffer.concat([Buffer.from([identifier, 0x80]), ...parts, Buffer.alloc(2)])
  const isImplicitOctets = node.identifier === 0x80
  if (node.identifier === TAG.octetString || isImplicitOctets) {
    const pieces: Buffer[] = []
    for (let at = 0; at < node.content.length; at += 3)
      pieces.push(octetString(node.content.subarray(at, at + 3)))
    return indefinite(isImplicitOctets ? 0xa0 : 0x24, pieces)
  }
  if (node.constructed) return indefinite(node.identifier, node.children().map(berOf))
  if (node.identifier !== TAG.oid) return node.raw
  return Buffer.concat([Buffer.from([node.identifier, 0x82, 0, node.content.length]), node.content])
}

describe('a file in BER', () => {
  const { content } = partsOf(opensslPkcs12(made, ['-name', 'Sender']))
  const inner = berOf(readDer(content))
  const file = berOf(readDer(pfx(inner)))

  test('is read as openssl reads it', () => {
    const { status, words } = runOpenssl(['pkcs12', '-in', 'f.p12', '-passin', 'pass:secret', '-noenc'], {
      'f.p12': file,
    })
    assert.equal(status, 0, words)
    assert.equal(words.match(/BEGIN CERTIFICATE/g)?.length, 3)
    const [entry] = read(file).entries
    assert.ok(entry)
    assert.ok(entry.privateKey.equals(made.privateKey))
    assert.equal(entry.alias, 'Sender')
    assert.deepEqual(entry.chain, made.chain)
  })

  test('is refused when its end is missing or followed by something', () => {
    for (const wrong of [file.subarray(0, -2), file.subarray(0, -1), Buffer.concat([file, Buffer.alloc(2)])])
      assert.throws(() => read(wrong), { problem: 'damaged' })
  })

  test('is refused when a primitive type has no length, or a string a piece that is none', () => {
    const wrong = (octets: Buffer) => pfx(sequence([contentInfo(OID.data, octets)]))
    assert.throws(() => read(wrong(Buffer.from('04800000', 'hex'))), {
      problem: 'damaged',
      message: /primitive type of indefinite length/,
    })
    assert.throws(() => read(wrong(Buffer.from('2403020100', 'hex'))), {
      problem: 'damaged',
      message: /OCTET STRING expected/,
    })
  })
})

const algorithm = (id: string, ...parameters: Buffer[]) => sequence([oid(id), ...parameters])

/** Certificates encrypted with that algorithm, at least by what the file says. */
const encrypted = (scheme: Buffer, content = Buffer.alloc(16)): Buffer =>
  contentInfo(
    OID.encryptedData,
    sequence([integer(0), sequence([oid(OID.data), scheme, implicit(0, octetString(content))])]),
  )

interface Pbes2Choice {
  iterations?: number | bigint
  keyLength?: number
  prf?: Buffer
  kdf?: string
  cipher?: string
  iv?: Buffer
}

const pbes2 = ({
  iterations = 1,
  keyLength,
  prf,
  kdf = OID.pbkdf2,
  cipher = OID.aes256Cbc,
  iv = octetString(Buffer.alloc(16)),
}: Pbes2Choice = {}): Buffer =>
  algorithm(
    OID.pbes2,
    sequence([
      algorithm(
        kdf,
        sequence([
          octetString(Buffer.from('salt')),
          integer(iterations),
          ...(keyLength === undefined ? [] : [integer(keyLength)]),
          ...(prf ? [prf] : []),
        ]),
      ),
      algorithm(cipher, iv),
    ]),
  )

const legacy = (iterations: number | bigint): Buffer =>
  algorithm(OID.pbeWithSHAAnd40BitRC2Cbc, sequence([octetString(Buffer.from('salt')), integer(iterations)]))

const mac = (iterations: number | bigint, digest: Uint8Array = Buffer.alloc(32)): Buffer =>
  sequence([
    sequence([algorithm(OID.sha256, nullValue()), octetString(digest)]),
    octetString(Buffer.from('salt')),
    integer(iterations),
  ])

const pbmac1 = (iterations: number | bigint): Buffer =>
  sequence([
    sequence([
      algorithm(
        OID.pbmac1,
        sequence([
          algorithm(
            OID.pbkdf2,
            sequence([octetString(Buffer.from('salt')), integer(iterations), integer(32)]),
          ),
          algorithm(OID.hmacWithSHA256, nullValue()),
        ]),
      ),
      octetString(Buffer.alloc(32)),
    ]),
    octetString(Buffer.from('salt')),
  ])

const safe = (...contents: Buffer[]): Buffer => pfx(sequence(contents))

describe('a PKCS#12 file is refused', () => {
  const certificate = encodePem('CERTIFICATE', leaf)
  const other = (type: 'ec' | 'dsa' | 'x25519') =>
    (type === 'dsa'
      ? generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })
      : generateKeyPairSync('x25519')
    ).privateKey.export({ type: 'pkcs8', format: 'der' })
  const cutKey = sequence([
    ...readDer(pkcs8)
      .children()
      .slice(0, 2)
      .map(({ raw }) => raw),
    octetString(Buffer.alloc(3)),
  ])

  const cases: readonly (readonly [string, Pkcs12Problem, RegExp, () => Buffer])[] = [
    ['when it is empty', 'not-pkcs12', /is empty/, () => Buffer.alloc(0)],
    ['when it is PEM', 'not-pkcs12', /is PEM text: give it as PEM/, () => Buffer.from(certificate)],
    [
      'when it is PEM below what openssl writes above it',
      'not-pkcs12',
      /is PEM text/,
      () => Buffer.from(`Bag Attributes\r\n    friendlyName: a\r\n${certificate}`),
    ],
    [
      'when it is base64',
      'not-pkcs12',
      /is base64 text: decode it first/,
      () => Buffer.from(opensslPkcs12(made).toString('base64')),
    ],
    ['when it is a certificate', 'not-pkcs12', /is a certificate,/, () => leaf],
    ['when it is a private key', 'not-pkcs12', /is a private key alone/, () => pkcs8],
    [
      'when it is an encrypted private key',
      'not-pkcs12',
      /is an encrypted private key alone/,
      () => made.privateKey.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'x' }),
    ],
    ['when it is PKCS#7', 'not-pkcs12', /is PKCS#7/, () => contentInfo(OID.signedData, sequence([]))],
    [
      'when it is a BCFKS keystore',
      'not-pkcs12',
      /type BCFKS: convert it with keytool .* -srcstoretype BCFKS/,
      () => sequence([sequence([pbes2(), octetString(Buffer.alloc(16))]), sequence([])]),
    ],
    ['when it is nothing known', 'not-pkcs12', /is not PKCS#12: make/, () => Buffer.from('hello')],
    [
      'when it is of another version',
      'not-pkcs12',
      /PKCS#12 of another version than 3/,
      () => sequence([integer(4), contentInfo(OID.data, octetString(sequence([])))]),
    ],
    ['when it is cut off', 'damaged', /reaches beyond the end/, () => opensslPkcs12(made).subarray(0, -1)],
    [
      'with bytes after it',
      'damaged',
      /1 bytes after the end/,
      () => Buffer.concat([pfxOfBags(), Buffer.alloc(1)]),
    ],
    [
      'with a MAC of a wrong length',
      'damaged',
      /MAC of 31 octets, not 32/,
      () => pfx(sequence([]), mac(1, Buffer.alloc(31))),
    ],
    ['with a MAC of no iterations', 'damaged', /fewer than one/, () => pfx(sequence([]), mac(0))],
    [
      'signed in place of a MAC',
      'unsupported',
      /protected by signedData in place of a password/,
      () => sequence([integer(3), contentInfo(OID.signedData, sequence([]))]),
    ],
    [
      'encrypted for a certificate',
      'unsupported',
      /encrypted with envelopedData in place of a password/,
      () => safe(contentInfo(OID.envelopedData, sequence([]))),
    ],
    ['with something else than safes', 'damaged', /AuthenticatedSafe: sequence/, () => pfx(nullValue())],
    [
      'with something else than bags',
      'damaged',
      /SafeContents: sequence/,
      () => safe(contentInfo(OID.data, octetString(nullValue()))),
    ],
    [
      'with a bag of an unknown type',
      'unsupported',
      /unknown type 1\.2\.3/,
      () => pfxOfBags(safeBag('1.2.3', sequence([]))),
    ],
    [
      'with a certificate that is not X.509',
      'unsupported',
      /certificate of the type 1\.2\.840\.113549\.1\.9\.22\.2,/,
      () =>
        pfxOfBags(
          safeBag(OID.certBag, sequence([oid('1.2.840.113549.1.9.22.2'), explicit(0, octetString(leaf))])),
        ),
    ],
    [
      'with a malformed certificate, which is named',
      'damaged',
      /^the certificate "bad" is malformed: /,
      () => pfxOfBags(certificateBag(leaf.subarray(0, -1), friendlyName('bad'))),
    ],
    [
      'with a key of DSA',
      'unsupported',
      /type 1\.2\.840\.10040\.4\.1: RSA, EC/,
      () => pfxOfBags(keyBag(other('dsa'))),
    ],
    [
      'with a key that cannot sign, which is named',
      'unsupported',
      /^the private key "x" is of the type 1\.3\.101\.110:/,
      () => pfxOfBags(keyBag(other('x25519'), friendlyName('x'))),
    ],
    ['with a malformed key', 'damaged', /^the private key is no valid key/, () => pfxOfBags(keyBag(cutKey))],
    ['with a key that is none', 'damaged', /PrivateKeyInfo: version is/, () => pfxOfBags(keyBag(leaf))],
    [
      'with a name that is no text',
      'damaged',
      /not a string type/,
      () => pfxOfBags(certificateBag(leaf, attribute(OID.friendlyName, Buffer.from('0101ff', 'hex')))),
    ],
    [
      'with half of a character in a name',
      'damaged',
      /octets that its type does not allow/,
      () =>
        pfxOfBags(
          certificateBag(
            leaf,
            attribute(OID.friendlyName, encodeTlv(TAG.bmpString, Buffer.from('d83d', 'hex'))),
          ),
        ),
    ],
    [
      'encrypted with AES-GCM',
      'unsupported',
      /with aes256Gcm, which is not supported/,
      () => safe(encrypted(pbes2({ cipher: OID.aes256Gcm, iv: sequence([octetString(Buffer.alloc(12))]) }))),
    ],
    [
      'with a key derived by scrypt',
      'unsupported',
      /needs scrypt in place/,
      () => safe(encrypted(pbes2({ kdf: OID.scrypt }))),
    ],
    [
      'with a key derived by an unknown function',
      'unsupported',
      /needs 1\.2\.3, which/,
      () => safe(encrypted(pbes2({ prf: algorithm('1.2.3') }))),
    ],
    [
      'with a key of a wrong length',
      'damaged',
      /key of 16 octets/,
      () => safe(encrypted(pbes2({ keyLength: 16 }))),
    ],
    [
      'with an initialization vector of a wrong length',
      'damaged',
      /vector of 8 octets/,
      () => safe(encrypted(pbes2({ iv: octetString(Buffer.alloc(8)) }))),
    ],
    [
      'with half of an encrypted block',
      'damaged',
      /not whole blocks/,
      () => safe(encrypted(pbes2(), Buffer.alloc(24))),
    ],
    [
      'with nothing encrypted',
      'damaged',
      /not whole blocks/,
      () => safe(encrypted(pbes2(), Buffer.alloc(0))),
    ],
  ]
  for (const [title, problem, message, file] of cases)
    test(title, () => {
      const bytes = file()
      assert.throws(() => read(bytes), { name: 'Pkcs12Error', problem, message })
    })

  for (const [title, passwords, problem] of [
    ['store', { store: 'a\ud83d' }, 'password'],
    ['key', { store: 'secret', key: '\ude00' }, 'key-password'],
  ] as const)
    test(`with half of a character in the ${title} password`, () =>
      assert.throws(() => read(pfxOfBags(), passwords), { problem }))

  test('without a word of a password', () => {
    const passwords = { store: 'secret', key: 'of-the-key' }
    for (const [, , , file] of cases)
      assert.throws(
        () => read(file(), passwords),
        (error: Error) => !/secret|of-the-key/.test(error.message) && error.cause === undefined,
      )
  })
})

describe('a PKCS#12 file costs no more than it may', () => {
  const quickly = (file: Buffer, message: RegExp, problem: Pkcs12Problem = 'limit') => {
    const start = performance.now()
    assert.throws(() => read(file), { name: 'Pkcs12Error', problem, message })
    assert.ok(performance.now() - start < 2000)
  }
  const huge = [10_000_001, 2n ** 31n, 2n ** 64n, 2n ** 4000n]

  for (const iterations of huge) {
    const bits = iterations.toString(2).length
    test(`in iterations: a number of ${bits} bits is refused before anything is derived`, () => {
      for (const file of [
        ...[mac(iterations), pbmac1(iterations)].map(wrong => pfx(sequence([]), wrong)),
        ...[pbes2({ iterations }), legacy(iterations)].map(scheme => safe(encrypted(scheme))),
      ])
        quickly(file, /more iterations than the 10 million allowed: write it again with fewer/)
    })
  }

  test('in iterations of all keys together', () => {
    const shrouded = safeBag(
      OID.pkcs8ShroudedKeyBag,
      sequence([
        pbes2({ iterations: 4_000_000, prf: algorithm(OID.hmacWithSHA256) }),
        octetString(Buffer.alloc(16)),
      ]),
    )
    const file = pfxOfBags(certificateBag(leaf), shrouded)
    const passwords = { store: 'secret', key: 'of the key' }
    // Two passwords for one key are within the limit, a third one would not be.
    assert.throws(() => read(file, passwords), { problem: 'key-password' })
    const legacyKey = safeBag(
      OID.pkcs8ShroudedKeyBag,
      sequence([legacy(1_700_000), octetString(Buffer.alloc(16))]),
    )
    quickly(pfx(sequence([clearBags([certificateBag(leaf), legacyKey])])), /10 million/)
  })

  test('in bytes', () =>
    quickly(Buffer.alloc(1024 * 1024 + 1), /1048577 bytes, more than the 1048576 allowed/))

  test('in keys and certificates', () => {
    const bags = Array.from({ length: 257 }, () => certificateBag(leaf))
    assert.equal(read(pfxOfBags(...bags.slice(1))).certificates.length, 256)
    quickly(pfxOfBags(...bags), /holds 257 keys and certificates, more than the 256 allowed/)
  })

  test('in elements', () => {
    const many = (count: number) => pfx(sequence(Array.from({ length: count }, () => nullValue())))
    quickly(many(50_000), /more than 50000 elements/, 'damaged')
    const wide = sequence(Array.from({ length: 300_000 }, () => nullValue()))
    quickly(sequence([integer(3), wide]), /more than 50000 elements/, 'damaged')
  })

  test('in depth', () => {
    let bag = certificateBag(leaf)
    for (let i = 0; i < 20; i++) bag = safeBag(OID.safeContentsBag, sequence([bag]))
    quickly(pfxOfBags(bag), /more than 32 levels deep/, 'damaged')
    for (const opening of ['3080', 'a080', '2480'])
      quickly(
        Buffer.from(`3080020103${opening.repeat(250_000)}`, 'hex'),
        /more than 32 levels deep/,
        'damaged',
      )
  })
})

/** Numbers that are the same each time (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

describe('whatever is done to a file, it is read or refused with a Pkcs12Error:', () => {
  const clear = opensslPkcs12(made, ['-keypbe', 'NONE', '-certpbe', 'NONE', '-nomac', '-name', 'a'])
  const files = {
    'one of today': opensslPkcs12(made),
    'one with -legacy': opensslPkcs12(made, ['-legacy']),
    'one without encryption and MAC': clear,
    'one in BER': berOf(readDer(pfx(berOf(readDer(partsOf(clear).content))))),
  }
  const original = new Map(Object.entries(files).map(([title, file]) => [title, summary(file)]))

  function summary(file: Buffer): unknown {
    const { entries, certificates } = readPkcs12(file, { store: 'secret' }, { allowNoMac: true })
    return { certificates, entries: entries.map(({ chain, alias }) => ({ chain, alias })) }
  }

  /** How many of the files were read, and with the same result. */
  function tried(all: Iterable<Buffer>, title: string): { read: number; same: number } {
    const count = { read: 0, same: 0 }
    for (const file of all) {
      try {
        const result = summary(file)
        count.read++
        assert.deepEqual(result, original.get(title))
        count.same++
      } catch (error) {
        if (error instanceof assert.AssertionError) continue
        assert.ok(error instanceof Pkcs12Error, `${error} for ${file.toString('base64')}`)
      }
    }
    return count
  }

  for (const [title, file] of Object.entries(files)) {
    test(`${title}, with another octet`, () => {
      const random = numbers(1)
      const changed = Array.from({ length: 1500 }, (_, i) => {
        const copy = Buffer.from(file)
        const at = i % 3 === 0 ? random(Math.min(120, file.length)) : random(file.length)
        copy[at]! ^= 1 << random(8)
        return copy
      })
      const { read: readable, same } = tried(changed, title)
      // Under a MAC, nothing reads as something else.
      if (file !== clear) assert.equal(readable, same)
    })

    test(`${title}, with octets left out, doubled and put elsewhere`, () => {
      const random = numbers(2)
      tried(
        Array.from({ length: 700 }, () => {
          const [from, to, at] = [random(file.length), random(file.length), random(file.length)]
          const piece = file.subarray(Math.min(from, to), Math.max(from, to)).subarray(0, 40)
          return random(2) === 0
            ? Buffer.concat([file.subarray(0, at), piece, file.subarray(at)])
            : Buffer.concat([
                file.subarray(0, at),
                piece,
                file.subarray(Math.min(file.length, at + piece.length)),
              ])
        }),
        title,
      )
    })

    test(`${title}, cut off anywhere`, () => {
      const cut = Array.from({ length: file.length }, (_, length) => file.subarray(0, length))
      assert.equal(tried(cut, title).read, 0)
    })
  }

  test('one of random octets behind the beginning of a true one', () => {
    const random = numbers(3)
    const beginnings = [pfxOfBags().subarray(0, 30), Buffer.from('3080020103', 'hex'), clear.subarray(0, 60)]
    const made = Array.from({ length: 3000 }, (_, i) =>
      Buffer.concat([
        beginnings[i % beginnings.length]!,
        Buffer.from(Array.from({ length: random(200) }, () => random(256))),
      ]),
    )
    assert.equal(tried(made, 'one of today').read, 0)
  })
})
