import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyKind } from '../../../test/support/chains.ts'
import { runOpenssl } from '../../../test/support/openssl-run.ts'
import { keyWithChain, macData, opensslPkcs12, partsOf, pfx } from '../../../test/support/pkcs12.ts'
import { encodePem } from '../pem.ts'
import { chooseEntry } from './choose-entry.ts'
import { readPkcs12 } from './read.ts'

/** That the file holds the key with its whole chain, and nothing else. */
function assertHolds(
  file: Buffer,
  { privateKey, chain }: ReturnType<typeof keyWithChain>,
  {
    password = 'secret',
    alias,
    allowNoMac = false,
  }: { password?: string; alias?: string; allowNoMac?: boolean } = {},
) {
  const { entries, certificates } = readPkcs12(file, { store: password }, { allowNoMac })
  const [entry, ...others] = entries
  assert.ok(entry)
  assert.deepEqual(others, [])
  assert.ok(entry.privateKey.equals(privateKey))
  assert.equal(entry.alias, alias)
  assert.deepEqual(entry.chain, chain)
  assert.deepEqual(
    certificates.map(({ der, trusted }) => ({ der, trusted })),
    chain.map(der => ({ der, trusted: false })),
  )
}

const kinds: readonly KeyKind[] = ['RSA 2048', 'P-256', 'P-384', 'P-521', 'Ed25519']

describe('a PKCS#12 file of openssl is read, with a key of', () => {
  for (const kind of kinds)
    for (const [title, args] of [
      ['in the way of today', ['-iter', '2048']],
      ['with -legacy', ['-legacy', '-iter', '2048']],
    ] as const)
      test(`${kind}, ${title}`, () => {
        const made = keyWithChain(kind)
        assertHolds(opensslPkcs12(made, args), made)
      })
})

describe('a PKCS#12 file of openssl is read, encrypted', () => {
  const schemes = [
    ...['PBE-SHA1-3DES', 'PBE-SHA1-2DES', 'PBE-SHA1-RC2-40', 'PBE-SHA1-RC2-128'],
    ...['AES-128-CBC', 'AES-192-CBC', 'AES-256-CBC', 'DES-EDE3-CBC', 'NONE'],
  ]
  const made = keyWithChain('P-256')
  for (const scheme of schemes) {
    test(`with ${scheme}`, () =>
      assertHolds(opensslPkcs12(made, ['-legacy', '-keypbe', scheme, '-certpbe', scheme]), made))
    test(`with ${scheme} for the certificates alone`, () =>
      assertHolds(opensslPkcs12(made, ['-legacy', '-keypbe', 'AES-256-CBC', '-certpbe', scheme]), made))
  }
})

describe('a PKCS#12 file of openssl is read, with a MAC of', () => {
  const made = keyWithChain('P-256')
  for (const digest of ['sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha512-224', 'sha512-256'])
    test(digest, () => assertHolds(opensslPkcs12(made, ['-macalg', digest]), made))

  test('one iteration, which is not written down', () =>
    assertHolds(opensslPkcs12(made, ['-nomaciter']), made))
})

describe('a PKCS#12 file of openssl is read, with a password', () => {
  const made = keyWithChain('P-256')
  const passwords = [
    ['beyond ASCII', 'pässwörd'],
    ['beyond the first 65536 characters', 'Schlüssel € 😀'],
    ['longer than a block', 'correct horse battery staple, '.repeat(10)],
    ['that is empty', ''],
  ] as const
  for (const [title, password] of passwords) {
    test(title, () => assertHolds(opensslPkcs12(made, [], password), made, { password }))
    test(`${title}, with -legacy`, () =>
      assertHolds(opensslPkcs12(made, ['-legacy'], password), made, { password }))
  }

  test('that is no password at all, which is another one than the empty one', () => {
    const { content } = partsOf(opensslPkcs12(made, ['-keypbe', 'NONE', '-certpbe', 'NONE']))
    const file = pfx(content, macData(content, undefined))
    assert.notDeepEqual(file, pfx(content, macData(content, '')))
    assert.equal(
      runOpenssl(['pkcs12', '-in', 'f.p12', '-passin', 'pass:', '-noout'], { 'f.p12': file }).status,
      0,
    )
    assertHolds(file, made, { password: '' })
  })
})

describe('a PKCS#12 file of openssl', () => {
  test('as the described command line makes it has no name, and answers to any alias with a note', () => {
    const { privateKey, chain } = keyWithChain('RSA 2048')
    const { out } = runOpenssl(
      [
        ...['pkcs12', '-export', '-out', 'out', '-inkey', 'key.pem', '-in', 'cert.pem'],
        ...['-passout', 'pass:changeit'],
      ],
      {
        'key.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }),
        'cert.pem': encodePem('CERTIFICATE', chain[0]!),
      },
    )
    const { entry, note } = chooseEntry(readPkcs12(out, { store: 'changeit' }), 'anything')
    assert.ok(entry.privateKey.equals(privateKey))
    assert.deepEqual(entry.chain, chain.slice(0, 1))
    assert.equal(
      note,
      'the only private key of the file has no name, so it is taken for the alias "anything"',
    )
  })

  test('has the name that -name gave it, of any letters', () => {
    const made = keyWithChain('P-256')
    const alias = 'Empfänger №1'
    assertHolds(opensslPkcs12(made, ['-name', alias]), made, { alias })
  })

  test('ties the key to its certificate', () => {
    const { entries } = readPkcs12(opensslPkcs12(keyWithChain('P-256')), { store: 'secret' })
    assert.equal(entries[0]?.localKeyId?.length, 20)
  })

  test('has its chain in order, wherever the certificates stand', () => {
    const { privateKey, chain } = keyWithChain('P-256')
    const [leaf, middle, root] = chain
    const file = opensslPkcs12({ privateKey, chain: [root!, leaf!, middle!] })
    assert.deepEqual(readPkcs12(file, { store: 'secret' }).entries[0]?.chain, chain)
  })

  test('has a chain that ends where an issuer is missing', () => {
    const { privateKey, chain } = keyWithChain('P-256')
    const [leaf, middle, root] = chain
    const read = (some: readonly (Buffer | undefined)[]) =>
      readPkcs12(opensslPkcs12({ privateKey, chain: some as Buffer[] }), { store: 'secret' })
    assert.deepEqual(read([leaf, middle]).entries[0]?.chain, [leaf, middle])
    assert.deepEqual(read([leaf, root]).entries[0]?.chain, [leaf])
    assert.deepEqual(
      read([leaf, root]).certificates.map(({ der }) => der),
      [leaf, root],
    )
  })

  test('without a key is read for its certificates', () => {
    const { privateKey, chain } = keyWithChain('P-256')
    const file = opensslPkcs12({ privateKey, chain }, ['-nokeys', '-caname', 'First', '-caname', 'Second'])
    const { entries, certificates } = readPkcs12(file, { store: 'secret' })
    assert.deepEqual(entries, [])
    assert.deepEqual(
      certificates.map(({ der }) => der),
      chain,
    )
    assert.deepEqual(
      certificates.map(({ alias }) => alias),
      ['First', 'Second', undefined],
    )
    assert.throws(() => chooseEntry({ entries }, 'First'), { problem: 'alias', message: /no private key/ })
  })

  test('without a MAC is refused, unless that is allowed', () => {
    const made = keyWithChain('P-256')
    const file = opensslPkcs12(made, ['-nomac'])
    assert.throws(() => readPkcs12(file, { store: 'secret' }), { problem: 'no-mac', message: /has no MAC/ })
    assertHolds(file, made, { allowNoMac: true })
  })
})

describe('a PKCS#12 file of openssl is refused', () => {
  const made = keyWithChain('P-256')
  const read = (args: readonly string[], password = 'secret') =>
    readPkcs12(opensslPkcs12(made, args), { store: password })

  for (const title of ['in the way of today', 'with -legacy']) {
    const args = title === 'with -legacy' ? ['-legacy'] : []
    for (const password of ['Secret', 'secret ', 'secre', ''])
      test(`${title}, with the wrong password ${JSON.stringify(password)}`, () =>
        assert.throws(() => read(args, password), {
          name: 'Pkcs12Error',
          problem: 'password',
          message: 'the password is not that of the file (or the file is damaged)',
        }))
  }

  test('without a MAC, with the wrong password', () => {
    const file = opensslPkcs12(made, ['-nomac'])
    assert.throws(() => readPkcs12(file, { store: 'wrong' }, { allowNoMac: true }), {
      problem: 'key-password',
      message: /the store password is wrong, or the key has one of its own/,
    })
  })

  const unsupported: readonly (readonly [string, string[], RegExp])[] = [
    ['encrypted with RC4', ['-legacy', '-certpbe', 'PBE-SHA1-RC4-128'], /with pbeWithSHAAnd128BitRC4,/],
    ['encrypted with DES', ['-legacy', '-keypbe', 'PBE-MD5-DES'], /with pbeWithMD5AndDesCbc,/],
    ['encrypted with what has no name here', ['-certpbe', 'CAMELLIA-256-CBC'], /with 1\.2\.392\.200011\./],
    ['with a MAC of MD5', ['-macalg', 'md5'], /MAC of the file is of md5,/],
    ['with a MAC of SHA-3', ['-macalg', 'sha3-256'], /MAC of the file is of 2\.16\.840\./],
  ]
  for (const [title, args, message] of unsupported)
    test(title, () =>
      assert.throws(() => read(args), { name: 'Pkcs12Error', problem: 'unsupported', message }),
    )

  test('with a key that has no certificate', () => {
    const message =
      /^the private key "Sender" has no certificate: the file holds no certificate at all; write the file again/
    assert.throws(() => read(['-nocerts', '-name', 'Sender']), { problem: 'no-certificate', message })
  })

  test('with a MAC of another password than the content', () => {
    const { content } = partsOf(opensslPkcs12(made))
    const file = pfx(content, macData(content, 'another'))
    assert.throws(() => readPkcs12(file, { store: 'another' }), {
      problem: 'password',
      message: /that of the MAC, but does not open the content/,
    })
    assert.throws(() => readPkcs12(file, { store: 'secret' }), {
      problem: 'damaged',
      message: /its MAC is of another password/,
    })
  })

  for (const title of ['certificates', 'key'])
    test(`damaged, which is told from a wrong password by its encrypted ${title}`, () => {
      const file = opensslPkcs12(made, title === 'key' ? ['-certpbe', 'NONE'] : ['-keypbe', 'NONE'])
      const { content } = partsOf(file)
      const changed = Buffer.from(file)
      changed[file.indexOf(content) + content.length - (title === 'key' ? 3 : 40)]! ^= 1
      assert.throws(() => readPkcs12(changed, { store: 'secret' }), {
        problem: 'damaged',
        message: /^the password is right, but the content is not what was written/,
      })
      assert.throws(() => readPkcs12(changed, { store: 'wrong' }), { problem: 'password' })
    })
})
