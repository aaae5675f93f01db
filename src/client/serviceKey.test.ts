import assert from 'node:assert/strict'
import { test } from 'node:test'
import { opensslCertificates, tokenAnswer, tokenServer } from '../../test/support/token-server.ts'
import { readServiceKey, tokenClientFromServiceKey } from './serviceKey.ts'

const flat = {
  clientid: 'sb-1!b2|it-rt-t!b3',
  clientsecret: 'csk_secret',
  tokenurl: 'https://server.test/oauth/token',
  url: 'https://worker.test',
}
const read = {
  clientId: 'sb-1!b2|it-rt-t!b3',
  clientSecret: 'csk_secret',
  tokenUrl: 'https://server.test/oauth/token',
  url: 'https://worker.test',
}
const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'

test('flat, wrapped and Cloud Foundry shapes of a key say the same', () => {
  assert.deepEqual(readServiceKey(flat), read)
  assert.deepEqual(readServiceKey({ oauth: flat }), read)
  assert.deepEqual(readServiceKey({ credentials: { oauth: flat } }), read)
  const createdate = '2026-01-02T03:04:05Z'
  assert.deepEqual(readServiceKey({ oauth: { ...flat, createdate } }), { ...read, createDate: createdate })
})

test('the camelCase names of API Management are read too', () => {
  const { clientid, clientsecret, tokenurl, url } = flat
  assert.deepEqual(
    readServiceKey({ clientId: clientid, clientSecret: clientsecret, tokenUrl: tokenurl, url }),
    read,
  )
})

test('a certificate key keeps its details; line breaks written as \\n become real', () => {
  const certificatedetails = {
    issuerdn: 'CN=ca',
    subjectdn: 'CN=me',
    validuntil: '2027-01-01T00:00:00Z',
    serialnumber: '1',
  }
  const { clientsecret, ...rest } = flat
  const key = readServiceKey({
    ...rest,
    certificate: pem.replaceAll('\n', '\\n'),
    key: pem,
    certificatedetails,
  })
  assert.equal(key.certificate, pem)
  assert.equal(key.key, pem)
  assert.equal(key.clientSecret, undefined)
  assert.deepEqual(key.certificateDetails, certificatedetails)
})

test('of an XSUAA binding the addresses are the bases of the token server', () => {
  const binding = {
    clientid: 'i',
    url: 'https://sub.authentication.test',
    certurl: 'https://sub.authentication.cert.test',
  }
  const bySecret = readServiceKey({ ...binding, clientsecret: 's' })
  assert.equal(bySecret.tokenUrl, 'https://sub.authentication.test/oauth/token')
  assert.equal(bySecret.url, undefined, 'it is not the address of what the token is for')
  const byCertificate = readServiceKey({ ...binding, certificate: pem, key: pem, 'credential-type': 'x509' })
  assert.equal(byCertificate.tokenUrl, 'https://sub.authentication.cert.test/oauth/token')
  const hidden = readServiceKey({ ...binding, 'credential-type': 'x509' })
  assert.equal(hidden.certificate, undefined)
})

test('what is missing or wrong in a key is named, its values are not', () => {
  const { clientid, clientsecret, tokenurl, ...url } = flat
  const cases: [unknown, RegExp][] = [
    [undefined, /JSON object/],
    ['{"clientid":"i"}', /JSON object: parse/],
    [[flat], /JSON object/],
    [{}, /no member clientid.*has: nothing/],
    [{ oauth: {} }, /no member clientid/],
    [{ clientsecret, tokenurl, ...url }, /no member clientid.*has: clientsecret, tokenurl, url/],
    [{ clientid, tokenurl, ...url }, /no member clientsecret \(or certificate and key\)/],
    [{ clientid, clientsecret }, /no member tokenurl/],
    [{ clientid, certificate: pem, key: pem, ...url }, /no member tokenurl \(or certurl\)/],
    [
      { clientid, clientsecret, url: 'https://worker.test/http/orders' },
      /no member tokenurl, and its url has a path/,
    ],
    [{ ...flat, tokenurl: 'server.test' }, /tokenurl of the service key is no address/],
    [{ ...flat, clientid: 7 }, /member clientid .* must be a text/],
    [{ ...flat, clientsecret: ' ' }, /member clientsecret .* not empty/],
  ]
  for (const [json, message] of cases) {
    assert.throws(
      () => readServiceKey(json),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'invalid_configuration')
        assert.match(error.message, message)
        return !error.message.includes('csk_secret')
      },
    )
  }
})

test('a secret key gets its token by Basic', async t => {
  const server = await tokenServer(t, () => tokenAnswer())
  const client = tokenClientFromServiceKey(readServiceKey({ ...flat, tokenurl: server.url }))
  t.after(() => client.close())
  await client.token()
  const expected = Buffer.from('sb-1%21b2%7Cit-rt-t%21b3:csk_secret').toString('base64')
  assert.equal(server.received[0]?.headers.authorization, `Basic ${expected}`)
})

test('a certificate key gets its token by the certificate, also with a private key from elsewhere', async t => {
  const pki = opensslCertificates()
  const tls = { cert: pki.serverCert, key: pki.serverKey, ca: pki.ca, requestCert: true }
  const server = await tokenServer(t, () => tokenAnswer(), tls)
  const json = {
    clientid: 'i',
    certificate: pki.clientCert,
    tokenurl: server.url,
    url: 'https://worker.test',
  }
  const whole = tokenClientFromServiceKey(readServiceKey({ ...json, key: pki.clientKey }), {
    tls: { ca: pki.ca },
  })
  const external = tokenClientFromServiceKey(readServiceKey(json), {
    tls: { ca: pki.ca, key: pki.clientKey },
  })
  for (const client of [whole, external]) {
    t.after(() => client.close())
    await client.token()
    const request = server.received.at(-1)
    assert.equal(request?.certificate, 'client')
    assert.equal(request?.form.get('client_id'), 'i')
    assert.equal(request?.headers.authorization, undefined)
  }
})

test('a certificate key without a private key, or without its certificate, says what to give', () => {
  const key = { clientId: 'i', tokenUrl: 'https://server.test/oauth/token' }
  assert.throws(() => tokenClientFromServiceKey({ ...key, certificate: pem }), /your private key as tls\.key/)
  assert.throws(() => tokenClientFromServiceKey(key), /hides its certificate.*tls\.cert and tls\.key/)
})
