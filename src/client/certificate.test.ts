import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { opensslCertificates, tokenAnswer, tokenServer } from '../../test/support/token-server.ts'
import {
  certificateOfServiceKey,
  clientCertificate,
  createTokenClient,
  type TokenError,
  tlsClientAuth,
  tokenClientFromIssuer,
  tokenClientFromServiceKey,
  withoutRoot,
} from './index.ts'

const pki = opensslCertificates()
const names = (pem: string) =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter(block => block !== '')
    .map(block => new X509Certificate(block).subject)

const unusable = (words: RegExp) => (error: unknown) => {
  const { code, message } = error as TokenError
  assert.equal(code, 'invalid_configuration')
  assert.match(message, words)
  assert.doesNotMatch(message, /-----|MI[IG]/)
  return true
}

describe('what a client sends in a handshake', () => {
  test('is its own certificate, then those above it, without the root', () => {
    assert.deepEqual(names(withoutRoot(pki.clientCert + pki.ca)), ['CN=client'])
    assert.deepEqual(names(clientCertificate(pki.clientCert + pki.ca, pki.clientKey).cert), ['CN=client'])
  })

  test('begins with the certificate of the private key, in whatever order they were given', () => {
    const several = pki.ca + pki.serverCert + pki.clientCert
    assert.deepEqual(names(clientCertificate(several, pki.clientKey).cert), ['CN=client', 'CN=server'])
  })

  test('is a self-signed certificate itself, where that is all', () => {
    assert.deepEqual(names(clientCertificate(pki.strangerCert, pki.strangerKey).cert), ['CN=stranger'])
    assert.deepEqual(names(withoutRoot(pki.strangerCert)), ['CN=stranger'])
  })

  test('is read with escaped line breaks, from bytes, and with an encrypted key', () => {
    const encrypted = createPrivateKey(pki.clientKey).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'words',
    }) as string
    const escaped = pki.clientCert.replaceAll('\n', '\\n')
    const { cert, key } = clientCertificate(Buffer.from(escaped), encrypted, 'words')
    assert.equal(cert, pki.clientCert)
    assert.match(key, /^-----BEGIN PRIVATE KEY-----\n/)
    assert.throws(
      () => clientCertificate(pki.clientCert, encrypted),
      unusable(/encrypted: give its passphrase/),
    )
    assert.throws(() => clientCertificate(pki.clientCert, encrypted, 'x'), unusable(/not the right one/))
  })

  test('what does not fit together is said', () => {
    assert.throws(
      () => clientCertificate(pki.clientCert, pki.serverKey),
      unusable(/private key does not belong to the certificate \(CN=client\)/),
    )
    assert.throws(() => clientCertificate(pki.clientCert, 'key'), unusable(/private key cannot be read/))
    assert.throws(() => clientCertificate('', pki.clientKey), unusable(/certificate cannot be read/))
    assert.throws(
      () => clientCertificate(pki.clientKey, pki.clientKey),
      unusable(/certificate cannot be read: .*holds a private key/),
    )
  })
})

describe('a service key', () => {
  const key = { clientId: 'i', tokenUrl: 'https://server.test/oauth/token' }

  test('gives what a call without a token shows', () => {
    const whole = { ...key, certificate: pki.clientCert + pki.ca, key: pki.clientKey }
    assert.deepEqual(names(String(certificateOfServiceKey(whole).cert)), ['CN=client'])
    const own = certificateOfServiceKey({ ...key, certificate: pki.clientCert }, { key: pki.clientKey })
    assert.ok(own.key)
  })

  test('of a secret has none', () => {
    assert.throws(() => certificateOfServiceKey({ ...key, clientSecret: 's' }), unusable(/holds a secret/))
  })
})

describe('PKCS#12', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-p12-'))
  const path = (name: string) => join(directory, name)
  writeFileSync(path('client.pem'), pki.clientCert)
  writeFileSync(path('client.key'), pki.clientKey)
  const files = ['-inkey', path('client.key'), '-in', path('client.pem'), '-passout', 'pass:words']
  const made = (name: string, ...more: string[]) => {
    execFileSync('openssl', ['pkcs12', '-export', ...files, ...more, '-out', path(name)])
    return readFileSync(path(name))
  }
  const current = made('current.p12')
  const old = made('old.p12', '-legacy')
  rmSync(directory, { recursive: true })
  const key = { clientId: 'i', tokenUrl: 'https://server.test/oauth/token' }

  test('stands for certificate and key', async t => {
    const tls = { cert: pki.serverCert, key: pki.serverKey, ca: pki.ca, requestCert: true }
    const server = await tokenServer(t, () => tokenAnswer(), tls)
    const client = tokenClientFromServiceKey(
      { ...key, tokenUrl: server.url },
      { tls: { ca: pki.ca, pfx: current, passphrase: 'words' } },
    )
    t.after(() => client.close())
    await client.token()
    assert.equal(server.received[0]?.certificate, 'client')
  })

  test('of today and of long ago is read; what cannot be is told apart', () => {
    const read = (pfx: Buffer, passphrase: string) => certificateOfServiceKey(key, { pfx, passphrase })
    for (const file of [current, old]) {
      assert.deepEqual(names(String(read(file, 'words').cert)), ['CN=client'])
      assert.throws(() => read(file, 'other'), unusable(/password/))
    }
    assert.throws(() => read(Buffer.from('text'), 'words'), unusable(/not PKCS#12/))
  })
})

describe('where a certificate is shown', () => {
  const identity = { cert: pki.serverCert, key: pki.serverKey, ca: pki.ca }
  const tls = { ...identity, requestCert: true, rejectUnauthorized: false }
  const metadata = (host: string | undefined) => {
    const issuer = `https://${host}`
    return {
      issuer,
      token_endpoint: `${issuer}/token`,
      mtls_endpoint_aliases: { token_endpoint: `${issuer}/mtls/token` },
    }
  }

  test('is the address that the server names for it; others go to the usual one', async t => {
    const server = await tokenServer(
      t,
      ({ path, headers }) =>
        path.startsWith('/.well-known/') ? { body: metadata(headers.host) } : tokenAnswer(),
      tls,
    )
    const byCertificate = await tokenClientFromIssuer(server.origin, {
      auth: tlsClientAuth('i', clientCertificate(pki.clientCert, pki.clientKey)),
      tls: { ca: pki.ca },
    })
    t.after(() => byCertificate.close())
    await byCertificate.token()
    assert.equal(server.received.at(-1)?.path, '/mtls/token')
    assert.equal(server.received.at(-1)?.certificate, 'client')
    const without = await tokenClientFromIssuer(server.origin, {
      auth: tlsClientAuth('i'),
      tls: { ca: pki.ca },
    })
    t.after(() => without.close())
    await without.token()
    assert.equal(server.received.at(-1)?.path, '/token')
  })

  test('must be a whole address as well', () => {
    assert.throws(
      () =>
        createTokenClient({ tokenUrl: 'https://a.test/', mtlsTokenUrl: '/mtls', auth: tlsClientAuth('i') }),
      unusable(/mtlsTokenUrl must be a whole address/),
    )
  })

  test('a token comes with the certificate that it was got with, also when that changes', async t => {
    const server = await tokenServer(t, () => tokenAnswer(), tls)
    let current = clientCertificate(pki.clientCert, pki.clientKey)
    const client = createTokenClient({
      tokenUrl: server.url,
      auth: request => {
        request.body.set('client_id', 'i')
        Object.assign(request.tls, current)
      },
      tls: { ca: pki.ca },
    })
    t.after(() => client.close())
    const first = await client.credentials()
    assert.match(first.authorization, /^Bearer token-/)
    assert.equal(first.tls.cert, pki.clientCert)
    current = clientCertificate(pki.strangerCert, pki.strangerKey)
    const cached = await client.credentials()
    assert.deepEqual(cached, first, 'a bound token goes with the certificate that it is bound to')
    const second = await client.credentials({ fresh: true })
    assert.notEqual(second.authorization, first.authorization)
    assert.equal(second.tls.cert, pki.strangerCert)
  })
})
