import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { chainOf, keyPair } from '../../../test/support/chains.ts'
import { openssl } from '../../../test/support/openssl.ts'
import { readCsr, verifyCsr } from '../csr.ts'
import { readDer, TAG } from '../der.ts'
import { encodePem } from '../pem.ts'
import { issueServerCertificate, makeRoot } from '../server-certificate.ts'
import { type Pkcs12Input, writePkcs12 } from './write.ts'

const keyKinds = ['P-256', 'P-384', 'P-521', 'RSA 2048', 'Ed25519'] as const
const passphrase = 'correct horse'

/** Root, one below it, and the certificate of a key. */
function entry(more: Partial<Pkcs12Input> = {}, kind: (typeof keyKinds)[number] = 'P-256'): Pkcs12Input {
  const key = keyPair(kind, 7)
  const [root, middle, leaf] = chainOf([{}, {}, { key }])
  return {
    key: key.privateKey,
    certificate: leaf!,
    chain: [middle!, root!],
    friendlyName: 'sender',
    passphrase,
    iterations: 1000,
    random: randomBytes,
    ...more,
  }
}

const opened = (file: Buffer, words = passphrase): string =>
  openssl(['pkcs12', '-in', 'f.p12', '-passin', 'file:w.txt', '-noenc'], { 'f.p12': file, 'w.txt': words })

const blocks = (text: string, label: string): string[] =>
  [...text.matchAll(new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----\n`, 'g'))].map(
    ([pem]) => pem,
  )

/** Runs the action with a file of these bytes, which is gone afterwards. */
async function withFile<T>(file: Buffer, action: (path: string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-pkcs12-'))
  try {
    const path = join(directory, 'f.p12')
    writeFileSync(path, file, { mode: 0o600 })
    return await action(path)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

describe('a PKCS#12 file is read by openssl and by Node, with a key of', () => {
  for (const kind of keyKinds)
    test(kind, () => {
      const input = entry({}, kind)
      const file = writePkcs12(input)
      const text = opened(file)
      const [key, ...otherKeys] = blocks(text, 'PRIVATE KEY')
      assert.deepEqual(otherKeys, [])
      assert.ok(createPrivateKey(key!).equals(input.key))
      const certificates = blocks(text, 'CERTIFICATE').map(pem => new X509Certificate(pem).raw)
      assert.deepEqual(certificates, [input.certificate, ...input.chain])
      createSecureContext({ pfx: file, passphrase })
    })
})

describe('a PKCS#12 file', () => {
  test('is of algorithms of today only, each with the iterations that were asked for', () => {
    const { stderr } = spawnSync('openssl', ['pkcs12', '-info', '-noout', '-passin', `pass:${passphrase}`], {
      input: writePkcs12(entry({ iterations: 2345 })),
      encoding: 'utf8',
    })
    assert.match(stderr, /MAC: sha256, Iteration 2345\n/)
    for (const what of ['PKCS7 Encrypted data', 'Shrouded Keybag'])
      assert.match(
        stderr,
        new RegExp(`${what}: PBES2, PBKDF2, AES-256-CBC, Iteration 2345, PRF hmacWithSHA256\n`),
      )
  })

  test('has 10 000 iterations where nothing is said', () => {
    const { iterations: _, ...input } = entry()
    const mac = readDer(writePkcs12(input)).children()[2]!
    assert.equal(mac.children()[2]!.content.readUInt16BE(), 10_000)
  })

  test('ties the key to its certificate, under the name', () => {
    const input = entry({ friendlyName: 'My key' })
    const text = opened(writePkcs12(input))
    const ids = [...text.matchAll(/localKeyID: ([0-9A-F ]+)/g)].map(([, id]) => id)
    assert.equal(ids.length, 2)
    assert.equal(ids[0], ids[1])
    assert.equal(
      ids[0]!.replaceAll(' ', ''),
      new X509Certificate(input.certificate).fingerprint.replaceAll(':', ''),
    )
    assert.equal([...text.matchAll(/friendlyName: My key\n/g)].length, 2)
  })

  test('has its name in UTF-16', () => {
    const file = writePkcs12(entry({ friendlyName: 'Schlüssel 😀' }))
    const octets = Buffer.from('Schlüssel 😀', 'utf16le').swap16()
    assert.ok(file.includes(Buffer.concat([Buffer.from([TAG.bmpString, octets.length]), octets])))
  })

  test('needs no certificates above', () => {
    const text = opened(writePkcs12(entry({ chain: [] })))
    assert.equal(blocks(text, 'CERTIFICATE').length, 1)
  })

  test('is read with a passphrase beyond ASCII', () => {
    const words = 'pässwörd € 😀'
    const file = writePkcs12(entry({ passphrase: words }))
    assert.equal(blocks(opened(file, words), 'PRIVATE KEY').length, 1)
    createSecureContext({ pfx: file, passphrase: words })
  })

  test('is not read with another passphrase', () => {
    const file = writePkcs12(entry())
    for (const words of ['Correct horse', 'correct horse ', ''])
      assert.throws(() => createSecureContext({ pfx: file, passphrase: words }), /mac verify/)
    assert.throws(() => opened(file, 'battery staple'), /invalid password/)
  })

  test('is not read when its content was changed', () => {
    const file = writePkcs12(entry())
    const content = readDer(file).children()[1]!
    for (let at = content.offset + 40; at < content.offset + content.raw.length; at += 29) {
      const changed = Buffer.from(file)
      changed[at]! ^= 1
      assert.throws(() => createSecureContext({ pfx: changed, passphrase }), `byte ${at}`)
    }
  })

  test('is another one each time, and depends on nothing but what it is given', () => {
    const given: number[] = []
    const counting = (bytes: number) => {
      given.push(bytes)
      return Buffer.alloc(bytes, given.length)
    }
    const input = entry()
    const first = writePkcs12({ ...input, random: counting })
    assert.deepEqual(given.splice(0), [16, 16, 16, 16, 16])
    assert.deepEqual(writePkcs12({ ...input, random: counting }), first)
    assert.notDeepEqual(writePkcs12(input), first)
  })
})

test('curl shows the certificate of a PKCS#12 file to a TLS server', async () => {
  const now = Date.now()
  const root = makeRoot({ commonName: 'Root', now, random: randomBytes })
  const certified = () => issueServerCertificate({ root, hosts: ['localhost'], now, random: randomBytes })
  const [server, client] = [certified(), certified()]
  const listening = createServer(
    {
      key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      ...{ cert: server.pem, requestCert: true, rejectUnauthorized: false },
    },
    (request, response) => response.end((request.socket as TLSSocket).getPeerCertificate().fingerprint256),
  ).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const file = writePkcs12(entry({ key: client.privateKey, certificate: client.der, chain: [root.der] }))
  try {
    const { port } = listening.address() as AddressInfo
    const { stdout } = await withFile(file, path =>
      promisify(execFile)('curl', [
        ...['--silent', '--show-error', '--insecure', '--noproxy', '*', '--cert-type', 'P12'],
        ...['--cert', `${path}:${passphrase}`, `https://127.0.0.1:${port}/`],
      ]),
    )
    assert.equal(stdout, new X509Certificate(client.der).fingerprint256)
  } finally {
    listening.close()
  }
})

const keytool = (...args: string[]) => spawnSync('keytool', args, { encoding: 'utf8' })

// Java is no part of the development environment; where it is installed, it is asked.
if (keytool('-help').status === 0)
  test('keytool lists the entry of a PKCS#12 file and signs with its key', async () => {
    const input = entry({ friendlyName: 'Sender' }, 'RSA 2048')
    await withFile(writePkcs12(input), path => {
      const store = ['-storetype', 'PKCS12', '-keystore', path, '-storepass', passphrase]
      const listed = keytool('-J-Duser.language=en', '-list', '-v', ...store).stdout
      assert.match(listed, /contains 1 entry/)
      assert.match(listed, /Alias name: sender\n/)
      assert.match(listed, /Entry type: PrivateKeyEntry\nCertificate chain length: 3\n/)
      const csr = readCsr(keytool('-certreq', '-alias', 'sender', ...store).stdout)
      assert.ok(verifyCsr(csr))
      assert.ok(csr.publicKey.equals(keyPair('RSA 2048', 7).publicKey))
    })
  })

describe('a PKCS#12 file is not written', () => {
  const cases: readonly (readonly [string, Partial<Pkcs12Input>, RegExp])[] = [
    ['with the certificate of another key', { key: keyPair('P-256', 8).privateKey }, /not that of the key/],
    ['with a public key', { key: keyPair('P-256', 7).publicKey }, /public key does not go into/],
    ['with something that is no certificate', { certificate: Buffer.from([0x30, 0]) }, /certificate/],
    [
      'with a certificate in PEM',
      { certificate: Buffer.from(encodePem('CERTIFICATE', entry().certificate)) },
      /./,
    ],
    ['with something in the chain that is none', { chain: [Buffer.from([0x30, 0])] }, /certificate/],
    ['without a passphrase', { passphrase: '' }, /passphrase is needed/],
    ['with a passphrase that ends early for some', { passphrase: 'a\0b' }, /passphrase is needed/],
    ['with half of a character in the passphrase', { passphrase: 'a\ud83d' }, /passphrase is needed/],
    ['without a name', { friendlyName: '' }, /1 to 256 characters/],
    ['with a name of 257 characters', { friendlyName: 'x'.repeat(257) }, /1 to 256 characters/],
    ['with half of a character in the name', { friendlyName: '\ude00' }, /surrogate/],
    ['with 999 iterations', { iterations: 999 }, /1000 to 1 000 000/],
    ['with more than a million iterations', { iterations: 1_000_001 }, /1000 to 1 000 000/],
    ['with half an iteration', { iterations: 1000.5 }, /1000 to 1 000 000/],
    ['with iterations that are no number', { iterations: Number.NaN }, /1000 to 1 000 000/],
  ]
  for (const [title, more, message] of cases)
    test(title, () => assert.throws(() => writePkcs12(entry(more)), { name: 'DerError', message }))
})
