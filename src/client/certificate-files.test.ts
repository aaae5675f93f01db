import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { openssl } from '../../test/support/openssl.ts'
import { newRoot, pemOf, pkcs8, type Sender } from '../../test/support/senders.ts'
import { opensslCertificates, tokenAnswer, tokenServer } from '../../test/support/token-server.ts'
import {
  type CertificateFilesEvent,
  type CertificatePlace,
  certificateFiles,
  createTokenClient,
  privateKeyJwt,
  tlsClientAuth,
} from './index.ts'

const day = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'countersign-certificate-files-'))
after(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const root = newRoot('of files')
const issuing = root.intermediate('issuing')

/** Writes aside and moves into place, as careful programs do. */
function put(name: string, content: string | Buffer, mode = 0o600): string {
  writeFileSync(at(`${name}.new`), content, { mode })
  chmodSync(at(`${name}.new`), mode)
  renameSync(at(`${name}.new`), at(name))
  return at(name)
}

function putPem(name: string, sender: Sender, mode?: number): CertificatePlace {
  return {
    certificate: put(`${name}.pem`, pemOf(sender.der, issuing.der, root.der)),
    key: put(`${name}-key.pem`, pkcs8(sender.pair), mode),
  }
}

let count = 0
function putPkcs12(name: string, sender: Sender, ...more: string[]): string {
  const [key, certificates] = [`in-${++count}.key`, `in-${count}.pem`]
  put(key, pkcs8(sender.pair))
  put(certificates, pemOf(sender.der, issuing.der))
  const args = ['pkcs12', '-export', '-inkey', at(key), '-in', at(certificates), '-passout', 'pass:store']
  openssl([...args, '-out', at(`${name}.p12`), ...more])
  return at(`${name}.p12`)
}

/** With all events that are told. */
function read(...places: CertificatePlace[]) {
  const events: CertificateFilesEvent[] = []
  return { events, files: certificateFiles(places, { onEvent: event => events.push(event) }) }
}

const unusable = (message: RegExp) => ({ name: 'TokenError', code: 'invalid_configuration', message })

describe('certificates in PEM files', () => {
  test('are read with what a client sends along, and not read again while nothing changes', () => {
    const sender = issuing.issue()
    const { files, events } = read(putPem('plain', sender))
    const [one, ...others] = files.current()
    assert.deepEqual(others, [])
    assert.equal(one!.cert, pemOf(sender.der, issuing.der))
    assert.equal(one!.thumbprint, sender.thumbprint)
    assert.equal(files.current()[0], one)
    assert.deepEqual(
      events.map(({ type }) => type),
      ['loaded'],
    )
  })

  test('are read again when they were replaced, in place or by a link that leads elsewhere', () => {
    const [first, second, third] = [issuing.issue(), issuing.issue(), issuing.issue()]
    const { files } = read(putPem('replaced', first))
    putPem('replaced', second)
    assert.equal(files.current()[0]!.thumbprint, second.thumbprint)
    const elsewhere = putPem('elsewhere', third) as { certificate: string; key: string }
    for (const [link, target] of [
      [at('replaced.pem'), elsewhere.certificate],
      [at('replaced-key.pem'), elsewhere.key],
    ] as const) {
      rmSync(link)
      symlinkSync(target, link)
    }
    assert.equal(files.current()[0]!.thumbprint, third.thumbprint)
  })

  test('that are half replaced, broken or gone leave what was read before in use, and that is told once', () => {
    const [old, fresh] = [issuing.issue(), issuing.issue()]
    const { files, events } = read(putPem('half', old))
    const told = () =>
      events.splice(0).map(event => (event.type === 'unreadable' ? event.error.message : event.type))
    told()
    for (const [spoil, message] of [
      [
        () => put('half.pem', pemOf(fresh.der)),
        /half\.pem: The private key does not belong to the certificate/,
      ],
      [() => put('half-key.pem', 'garbage'), /The private key cannot be read/],
      [() => rmSync(at('half-key.pem')), /cannot be read \(ENOENT\): .*half-key\.pem/],
    ] as const) {
      spoil()
      for (let i = 0; i < 3; i++) assert.equal(files.current()[0]!.thumbprint, old.thumbprint)
      const [said, ...others] = told()
      assert.match(said!, message)
      assert.deepEqual(others, [])
    }
    put('half-key.pem', pkcs8(fresh.pair))
    assert.equal(files.current()[0]!.thumbprint, fresh.thumbprint)
    assert.deepEqual(told(), ['loaded'])
  })

  test('of which others on this machine can read the key are used, and that is told', () => {
    const { events } = read(putPem('open', issuing.issue(), 0o644))
    assert.deepEqual(events.at(-1), { type: 'readable-by-others', path: at('open-key.pem') })
  })

  test('that cannot be read at the beginning are told by name', () => {
    const place = putPem('wrong', issuing.issue()) as { certificate: string; key: string }
    assert.throws(() => read({ ...place, certificate: at('nowhere.pem') }), unusable(/ENOENT.*nowhere\.pem/))
    assert.throws(
      () => read({ ...place, key: place.certificate }),
      unusable(/wrong\.pem: The private key cannot/),
    )
    assert.throws(() => read(), unusable(/No certificate file is named/))
  })
})

describe('several certificates', () => {
  const now = Date.now()
  const old = issuing.issue({ notBefore: now - 80 * day, notAfter: now + 10 * day })
  const fresh = issuing.issue({ notBefore: now - day, notAfter: now + 89 * day })
  const coming = issuing.issue({ notBefore: now + 5 * day, notAfter: now + 95 * day })

  test('are used by their dates, the newest first, whatever the order of their files', () => {
    const { files } = read(putPem('old', old), putPem('coming', coming), putPem('fresh', fresh))
    const namesAt = (days: number) => files.current(now + days * day).map(({ thumbprint }) => thumbprint)
    assert.deepEqual(
      namesAt(0),
      [fresh, old].map(({ thumbprint }) => thumbprint),
    )
    assert.deepEqual(
      namesAt(6),
      [coming, fresh, old].map(({ thumbprint }) => thumbprint),
    )
    assert.deepEqual(
      namesAt(11),
      [coming, fresh].map(({ thumbprint }) => thumbprint),
    )
    assert.throws(() => files.current(now + 96 * day), unusable(/one ended on .*one ended on .*one ended on/))
    const { files: early } = read(putPem('coming', coming))
    assert.throws(() => early.current(now), unusable(/one begins on .* only/))
  })

  test('are tried one after the other by a token client; a new one is used without a restart', async t => {
    let accepted = old.thumbprint
    const server = await tokenServer(t, ({ form }) => {
      const [header] = String(form.get('client_assertion')).split('.')
      const { 'x5t#S256': thumbprint } = JSON.parse(Buffer.from(header!, 'base64url').toString())
      return thumbprint === accepted ? tokenAnswer() : { status: 401, body: { error: 'invalid_client' } }
    })
    const { files } = read(putPem('one', fresh), putPem('two', old))
    const client = createTokenClient({
      tokenUrl: server.url,
      auth: files.auth(({ cert, key }) => privateKeyJwt('client', { key, certificate: cert })),
    })
    t.after(() => client.close())
    await client.token()
    assert.equal(server.received.length, 2)
    const next = issuing.issue()
    putPem('two', next)
    accepted = next.thumbprint
    await client.token({ fresh: true })
    assert.equal(server.received.length, 3)
  })
})

describe('certificates in PKCS#12 files', () => {
  test('are read with their chain; a file whose only key has no name answers to any alias, and that is told', () => {
    const sender = issuing.issue()
    const pkcs12 = putPkcs12('described', sender)
    const { files, events } = read({ pkcs12, passphrase: 'store', alias: 'camunda' })
    assert.equal(files.current()[0]!.cert, pemOf(sender.der, issuing.der))
    const [loaded] = events
    assert.match((loaded?.type === 'loaded' && loaded.note) || '', /taken for the alias "camunda"/)
  })

  test('are found by the alias, and a wrong one is told what there is', () => {
    const sender = issuing.issue()
    const pkcs12 = putPkcs12('named', sender, '-name', 'erp')
    const { files, events } = read({ pkcs12, passphrase: 'store', alias: 'ERP' })
    assert.equal(files.current()[0]!.thumbprint, sender.thumbprint)
    assert.equal(events[0]?.type === 'loaded' && events[0].note, undefined)
    const wrong = { pkcs12, passphrase: 'store', alias: 'crm' }
    assert.throws(() => read(wrong), unusable(/named\.p12: .*alias "crm": it has "erp"/))
  })

  test('with a wrong password, and what is none, are told by name without any of it', () => {
    const pkcs12 = putPkcs12('locked', issuing.issue())
    assert.throws(
      () => read({ pkcs12, passphrase: 'secret-guess' }),
      (error: Error) => {
        assert.match(error.message, /locked\.p12: .*password/)
        assert.doesNotMatch(error.message, /secret-guess/)
        return true
      },
    )
    const place = putPem('no-pkcs12', issuing.issue()) as { certificate: string }
    assert.throws(() => read({ pkcs12: place.certificate, passphrase: 'x' }), unusable(/PEM/))
  })

  test('without a MAC are refused unless that is allowed, and then told', () => {
    const sender = issuing.issue()
    const pkcs12 = putPkcs12('no-mac', sender, '-nomac')
    assert.throws(() => read({ pkcs12, passphrase: 'store' }), unusable(/no-mac\.p12: .*has no MAC/))
    const { files, events } = read({ pkcs12, passphrase: 'store', allowNoMac: true })
    assert.equal(files.current()[0]!.thumbprint, sender.thumbprint)
    const [loaded] = events
    assert.match((loaded?.type === 'loaded' && loaded.note) || '', /has no MAC/)
  })

  test('are shown in a handshake', async t => {
    const sender = issuing.issue({ cn: 'shown' })
    const pki = opensslCertificates()
    const server = await tokenServer(t, () => tokenAnswer(), {
      cert: pki.serverCert,
      key: pki.serverKey,
      ca: root.pem,
      requestCert: true,
    })
    const { files } = read({ pkcs12: putPkcs12('tls', sender), passphrase: 'store' })
    const auth = files.auth(one => tlsClientAuth('client', one))
    const client = createTokenClient({ tokenUrl: server.url, auth, tls: { ca: pki.ca } })
    t.after(() => client.close())
    await client.token()
    assert.equal(server.received[0]!.certificate, 'shown')
  })
})
