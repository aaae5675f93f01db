import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmodSync, readdirSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { at, done, flow, mayIssue, newKey, openssl, read, refused, states, write } from './world.ts'

const issuer = '-CA root.pem -CAkey root-key.pem -CAcreateserial'

/** A root and a certificate of it, as a partner brings them. */
function makePartner(): void {
  openssl(`req -x509 ${newKey} -keyout root-key.pem -subj /CN=ca -days 3000 ${mayIssue} -out root.pem`)
  openssl(`req -new ${newKey} -keyout partner-key.pem -subj /CN=partner -out partner.csr`)
  write('partner.ext', 'extendedKeyUsage=clientAuth')
  openssl(`x509 -req -in partner.csr ${issuer} -days 400 -extfile partner.ext -out partner.pem`)
  chmodSync(at('partner-key.pem'), 0o600)
}

before(makePartner)

describe("a sender's own certificate", () => {
  const call = () =>
    `call --with certificate --key $partner/key.json --private-key $partner-key.pem ${flow()}`

  test('of an unknown root is refused with the command that helps, or made unusable', async () => {
    const line = 'key create erp partner --type certificate_external --certificate $partner.pem'
    const { err } = await refused(line, /CN=ca/)
    assert.match(err, /hint: .*trust add .*--allow-untrusted/)
    const made = await done(
      `${line} --allow-untrusted --out $partner`,
      /^warning: unusable until its root is trusted/,
    )
    assert.deepEqual(readdirSync(at('partner')).sort(), ['client.pem', 'key.json'])
    assert.match(made.out, /--private-key YOUR-KEY\.pem/)
    assert.equal('warnings' in JSON.parse(read('partner/key.json')), false)
    await refused(call(), /refused with 401/)
    assert.deepEqual(await states('erp partner', /^warning: key partner cannot be used .*CN=ca/), [
      'untrusted',
    ])
    const { out } = await done('key list erp', /partner cannot be used/)
    assert.match(out, /^partner +certificate_external +now +in 399 days +untrusted/m)
  })

  test('can be tried before it is used', async () => {
    const tried = await refused('explain --certificate $partner.pem --endpoint /http/orders', /^$/)
    assert.match(tried.out, /✗ client certificate\n[\s\S]*Reason .*CN=ca[\s\S]*Hint +.*trust add/)
  })

  test('is accepted once its root is trusted, and refused once it is not any more', async () => {
    const added = await done('trust add $root.pem --revocation off')
    const [, fingerprint] = /^Trusted root: CN=ca {2}([0-9a-f]{64})\n$/.exec(added.out) ?? []
    assert.ok(fingerprint)
    assert.equal(
      new X509Certificate(read('root.pem')).fingerprint256.replaceAll(':', '').toLowerCase(),
      fingerprint,
    )
    await done(call(), /200 OK/)
    await done('token --key $partner/key.json --private-key $partner-key.pem')
    assert.match(
      (await done('explain --certificate $partner.pem --endpoint /http/orders')).out,
      /^Accepted +yes/m,
    )
    assert.deepEqual(await states('erp partner'), ['active'])
    assert.match((await done('trust list')).out, /^root +CN=ca +in 2999 days +off +[0-9a-f]{64}$/m)
    openssl(`req -new ${newKey} -keyout later-key.pem -subj /CN=partner -out later.csr`)
    chmodSync(at('later-key.pem'), 0o600)
    openssl(`x509 -req -in later.csr ${issuer} -days 800 -extfile partner.ext -out later.pem`)
    await done('key rotate erp partner --certificate $later.pem --out $later --shape cf')
    const later = '--key $later/key.json --private-key $later-key.pem'
    for (const each of [call(), `call --with certificate ${later} ${flow()}`]) await done(each, /200 OK/)
    await done(`token ${later}`)
    await done('key show erp partner')
    assert.deepEqual(await states('erp partner'), ['overlap', 'active'])
    await done(`trust remove ${new X509Certificate(read('root.pem')).fingerprint256}`)
    await refused(call(), /refused with 401[\s\S]*hint: Why: countersign explain/)
    assert.match((await done('trust list')).out, /^Only certificates that Countersign issues/)
    await refused(`trust remove ${fingerprint}`, /no trusted certificate has this fingerprint/)
  })

  test('is not a chain, a key or a root by mistake', async () => {
    write('chain.pem', read('partner.pem') + read('root.pem'))
    const line = 'key create erp wrong --type certificate_external --certificate'
    await refused(`${line} $chain.pem`, /a chain: give the certificate of the sender alone/)
    await refused(`${line} $partner-key.pem`, /holds a private key/)
    await refused('trust add $partner.pem', /not the certificate of an authority/)
    await refused('trust add $root.pem --revocation hard', /an address is needed/)
    await done('trust add $root.pem --crl-url http://crl.example/list.crl --revocation soft')
    assert.match((await done('trust list')).out, /soft, CRL http:\/\/crl\.example\/list\.crl/)
    await done(`trust remove ${new X509Certificate(read('root.pem')).fingerprint256}`)
    await refused('trust add $none.pem', /there is no such file/, 2)
  })

  test('that is self-signed needs the consent of the tenant', async () => {
    openssl(
      `req -x509 ${newKey} -keyout self-key.pem -subj /CN=self -days 30 -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=clientAuth -out self.pem`,
    )
    chmodSync(at('self-key.pem'), 0o600)
    const self = 'key create erp self --certificate $self.pem --out $self'
    await refused(self, /self-signed[\s\S]*hint: .*tenant update default --allow-self-signed/)
    assert.match((await done('tenant update default --allow-self-signed')).out, /allows self-signed/)
    await done(self, /^warning: the certificate is self-signed/)
    const token = 'token --key $self/key.json --private-key $self-key.pem'
    await done(token)
    assert.match((await done('tenant list')).out, /^default .* allowed /m)
    await done('tenant update default --refuse-self-signed')
    await refused(token, /invalid_client/)
    await refused('tenant update default', /give --allow-self-signed or --refuse-self-signed/, 2)
    await done('key delete erp self')
  })
})
