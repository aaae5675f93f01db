import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pkcs12Fixture } from '../../../test/support/pkcs12.ts'
import { parseCertificate } from '../certificate.ts'
import { integer, octetString, readDer, sequence } from '../der.ts'
import { formatName } from '../names.ts'
import { spkiOf } from '../spki.ts'
import { chooseEntry } from './choose-entry.ts'
import { readPkcs12 } from './read.ts'

const subject = (der: Buffer): string => formatName(parseCertificate(der).subject)

/** Aliases, types of keys, and chains, as people would list them. */
const listed = (file: Buffer, passwords: { store: string; key?: string } = { store: 'changeit' }): string[] =>
  readPkcs12(file, passwords).entries.map(({ alias, privateKey, chain }) => {
    assert.deepEqual(parseCertificate(chain[0]!).spki.raw, spkiOf(createPublicKey(privateKey)))
    return [alias, privateKey.asymmetricKeyType, ...chain.map(subject)].join(' ')
  })

const trusted = (file: Buffer, allowNoMac = false): string[] =>
  readPkcs12(file, { store: 'changeit' }, { allowNoMac })
    .certificates.filter(certificate => certificate.trusted)
    .map(({ alias, der }) => `${alias} ${subject(der)}`)

describe('a PKCS#12 file of Java is read', () => {
  test('with several keys, chains of three and a trusted certificate', () => {
    const file = pkcs12Fixture('several.p12')
    assert.deepEqual(listed(file), [
      'client-rsa rsa CN=rsa CN=Middle CN=Root',
      'client-ec ec CN=ec CN=Middle CN=Root',
      'client-ed ed25519 CN=ed',
    ])
    assert.deepEqual(trusted(file), ['Trust-Root CN=Root'])
  })

  test('by an alias without regard to case, for Java writes those of keys in small letters', () => {
    const contents = readPkcs12(pkcs12Fixture('several.p12'), { store: 'changeit' })
    const { entry, note } = chooseEntry(contents, 'Client-EC')
    assert.equal(subject(entry.chain[0]!), 'CN=ec')
    assert.equal(note, undefined)
    assert.throws(() => chooseEntry(contents, 'client'), {
      problem: 'alias',
      message:
        'the file has no private key with the alias "client": it has "client-rsa", "client-ec", "client-ed"',
    })
  })

  test('as Java 8 wrote it', () => {
    assert.deepEqual(listed(pkcs12Fixture('legacy.p12')), ['old rsa CN=old'])
  })

  test('as Java 25 writes it', () => {
    assert.deepEqual(listed(pkcs12Fixture('java25.p12')), ['new ec CN=new'])
  })

  test('with a secret key, which is left out', () => {
    assert.deepEqual(listed(pkcs12Fixture('with-secret.p12')), ['key ec CN=key'])
  })

  test('with a key password, which must be given', () => {
    const file = pkcs12Fixture('key-password.p12')
    assert.deepEqual(listed(file, { store: 'changeit', key: 'of the key' }), ['key ec CN=key'])
    assert.throws(() => listed(file), {
      problem: 'key-password',
      message:
        'the private key "key" cannot be opened: it has another password than the store, so give the key password too',
    })
    assert.throws(() => listed(file, { store: 'changeit', key: 'another' }), {
      problem: 'key-password',
      message: /neither the key password nor the store password/,
    })
  })

  test('with a key password that is not needed', () => {
    const file = pkcs12Fixture('java25.p12')
    for (const key of ['another', '', 'changeit'])
      assert.deepEqual(listed(file, { store: 'changeit', key }), ['new ec CN=new'])
  })

  test('with a trusted certificate alone', () => {
    assert.deepEqual(listed(pkcs12Fixture('trust.p12')), [])
    assert.deepEqual(trusted(pkcs12Fixture('trust.p12')), ['Trust-Root CN=Root'])
  })

  test('without a MAC only when that is allowed', () => {
    const file = pkcs12Fixture('no-mac.p12')
    assert.throws(() => trusted(file), { problem: 'no-mac' })
    assert.deepEqual(trusted(file, true), ['Trust-Root CN=Root'])
  })
})

describe('a keystore of Java that is not PKCS#12 is refused with what it is', () => {
  for (const [name, type] of [
    ['key.jks', 'JKS'],
    ['key.jceks', 'JCEKS'],
  ] as const)
    test(type, () =>
      assert.throws(() => readPkcs12(pkcs12Fixture(name), { store: 'changeit' }), {
        problem: 'not-pkcs12',
        message: `the file is a Java keystore of the type ${type}: convert it with keytool -importkeystore -srckeystore FILE -srcstoretype ${type} -destkeystore FILE.p12 -deststoretype PKCS12`,
      }),
    )
})

describe('the files of RFC 9579 with PBMAC1', () => {
  const a1 = pkcs12Fixture('rfc9579-a1.p12')

  /** A.4 to A.6 are A.1 with other octets in MacData. */
  const withMac = (change: (mac: string) => string): Buffer => {
    const [, authSafe, mac] = readDer(a1).children()
    const changed = Buffer.from(change(mac!.raw.toString('hex')), 'hex')
    return sequence([integer(3), authSafe!.raw, changed])
  }
  const salt = octetString(Buffer.from('6f473c38b02e3173', 'hex')).toString('hex')
  const notUsed = octetString(Buffer.from('NOT USED')).toString('hex')

  for (const name of ['a1', 'a3'])
    test(`are read: ${name}`, () => {
      const [entry] = readPkcs12(pkcs12Fixture(`rfc9579-${name}.p12`), { store: '1234' }).entries
      assert.equal(entry?.privateKey.asymmetricKeyType, 'rsa')
      assert.equal(entry.chain.length, 1)
    })

  test('are not read with another password', () => {
    assert.throws(() => readPkcs12(a1, { store: '12345' }), { problem: 'password' })
  })

  const wrong: readonly (readonly [string, (mac: string) => string, RegExp])[] = [
    ['a4: other iterations', mac => mac.replace(`${salt}02020800`, `${salt}02020801`), /its MAC differs/],
    ['a5: another salt', mac => mac.replace(salt, notUsed), /its MAC differs/],
    [
      'a6: no key length',
      mac =>
        mac
          .replace('307c306d3049', '3079306a3046')
          .replace('303c302c', '30393029')
          .replace('301f0408', '301c0408')
          .replace('02020800020120', '02020800'),
      /PBMAC1 with no key length/,
    ],
    [
      'a key so short that it could be guessed',
      mac => mac.replace('020120', '020101'),
      /PBMAC1 with a key of 1/,
    ],
  ]
  for (const [title, change, message] of wrong)
    test(`are refused: ${title}`, () => {
      const file = withMac(change)
      assert.notDeepEqual(file, a1)
      assert.throws(() => readPkcs12(file, { store: '1234' }), { problem: 'damaged', message })
    })
})

const keytool = (...args: string[]) => spawnSync('keytool', args, { encoding: 'utf8' })

// Java is no part of the development environment; where it is installed, it is asked.
if (keytool('-help').status === 0)
  test('a PKCS#12 file of the keytool that is installed is read', () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-keytool-'))
    try {
      const path = join(directory, 'f.p12')
      const store = ['-storetype', 'PKCS12', '-keystore', path, '-storepass', 'changeit']
      keytool('-genkeypair', ...store, '-alias', 'Now', '-keyalg', 'EC', '-dname', 'CN=now')
      assert.deepEqual(listed(readFileSync(path)), ['now ec CN=now'])
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
