import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { keyWithChain, opensslPkcs12 } from '../../support/pkcs12.ts'
import { at, blocks, done, json, mayIssue, newKey, openssl, read, refused, world, write } from './world.ts'

interface Entry {
  readonly alias: string
  readonly kind: string
  readonly issuer: string
  readonly algorithm: string
  readonly state: string
  readonly chain: readonly { readonly pem: string }[]
}

/** An authority of openssl: ca.pem with its root.pem. */
function makeAuthority(): void {
  openssl(`req -x509 ${newKey} ${mayIssue} -keyout root-key.pem -out root.pem -subj /CN=Root -days 900`)
  openssl(`req ${newKey} -keyout issuing-key.pem -out issuing.csr -subj /CN=Issuing`)
  write('ca.cnf', 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n')
  openssl(
    'x509 -req -in issuing.csr -CA root.pem -CAkey root-key.pem -extfile ca.cnf -days 800 -out issuing.pem',
  )
}

test('a key pair is made, signed by an authority of openssl, and its chain is handed on', async () => {
  makeAuthority()
  const made = await done('keystore create erp --subject CN=erp,O=Example --key-length 256 --validity 20')
  assert.match(
    made.out,
    /Key pair erp made\.\n[\s\S]+key pair +P-256 +in \d+ days +30d +CN=erp,O=Example +itself/,
  )
  assert.match(made.out, /To have it signed: countersign keystore csr erp/)
  write('erp.csr', (await done('keystore csr erp')).out)
  assert.match(openssl('req -in erp.csr -noout -verify -subject'), /subject=O\s*=\s*Example, CN\s*=\s*erp/)
  openssl(
    'x509 -req -in erp.csr -CA issuing.pem -CAkey issuing-key.pem -copy_extensions copy -days 300 -out erp.pem',
  )
  // In another order than they belong.
  openssl('crl2pkcs7 -nocrl -certfile root.pem -certfile erp.pem -certfile issuing.pem -out all.p7b')
  openssl('pkcs7 -in all.p7b -print_certs -out all.pem')
  const changed = await json<Entry>('keystore chain erp $all.pem')
  assert.deepEqual([changed.issuer, changed.state], ['CN=Issuing', 'valid'])
  const chain = (await done('keystore export erp')).out
  write('chain.pem', chain)
  assert.deepEqual(
    blocks(chain).map(pem => new X509Certificate(pem).subject),
    ['O=Example\nCN=erp', 'CN=Issuing', 'CN=Root'],
  )
  assert.match(openssl('x509 -in chain.pem -noout -purpose'), /SSL client : Yes/)
  openssl('verify -CAfile root.pem -untrusted chain.pem -purpose sslclient chain.pem')
  assert.equal((await done('keystore export erp --certificate')).out, blocks(chain)[0])
  const [only] = await json<Entry[]>('keystore list')
  assert.deepEqual([only!.alias, only!.kind, only!.algorithm], ['erp', 'key-pair', 'P-256'])
  const whole = await json<Entry>('keystore export erp')
  assert.equal(whole.chain.length, 3)
  assert.doesNotMatch(JSON.stringify(whole), /PRIVATE/)
})

test('key pairs are imported from PKCS#12 and PEM, with what opens them in a file', async () => {
  const pair = keyWithChain('P-256')
  writeFileSync(at('client.p12'), opensslPkcs12(pair, ['-name', 'client']))
  write('passphrase', 'secret\n')
  const imported = await json<Entry>(
    'keystore import partner $client.p12 --passphrase-file $passphrase --entry client',
    /certificate of keystore entry partner (?:has ended|is not good yet): its dates are 2026-05-31/,
  )
  assert.deepEqual([imported.alias, imported.kind], ['partner', 'key-pair'])
  openssl(`req -x509 ${newKey} -keyout own-key.pem -out own.pem -subj /CN=own`)
  openssl('pkcs8 -topk8 -in own-key.pem -passout file:passphrase -out own-encrypted.pem')
  write('own-both.pem', [read('own-encrypted.pem'), read('own.pem')].join(''))
  await done('keystore import own $own-both.pem --passphrase-file $passphrase')
  await refused('keystore import own $own-both.pem --passphrase-file $passphrase', /an entry own already/)
  await done('keystore import own $own-both.pem --passphrase-file $passphrase --replace')
  await refused('keystore import other $own-both.pem', /encrypted: give its passphrase/)
  await refused('keystore import other $client.p12', /the password is not that of the file/)
  await refused('keystore import other $missing.p12', /there is no such file/, 2)
  openssl('x509 -in own.pem -outform DER -out own.cer')
  const alone = await json<Entry>('keystore import alone $own.cer')
  assert.equal(alone.kind, 'certificate')
  await refused('keystore csr alone', /entry alone is a certificate/)
})

test('what is no PKCS#12 and no PEM is told so, and how a keystore of Java becomes one', async () => {
  writeFileSync(at('bytes'), Buffer.from('ff0001fe', 'hex'))
  writeFileSync(at('java.jks'), Buffer.from('feedfeed0000000200000000', 'hex'))
  await refused('keystore import x $bytes', /it is no PKCS#12 and no PEM file/)
  await refused(
    'keystore import x $java.jks',
    /it is no PKCS#12 and no PEM file: .*JKS: convert it with keytool -importkeystore .*-deststoretype PKCS12/,
  )
})

test('a PKCS#12 file without a MAC is imported where that is allowed, with a warning', async () => {
  writeFileSync(at('no-mac.p12'), opensslPkcs12(keyWithChain('P-256'), ['-nomac']))
  write('passphrase', 'secret\n')
  const line = 'keystore import unsigned $no-mac.p12 --passphrase-file $passphrase'
  await refused(line, /has no MAC[\s\S]+--allow-no-mac/)
  await done(`${line} --allow-no-mac`, /the file has no MAC, so anybody could have changed it/)
})

test('an entry is renamed and deleted', async () => {
  await done('keystore create first --key-length 256')
  assert.equal((await json<Entry>('keystore rename first Second')).alias, 'Second')
  await refused('keystore rename first third', /the keystore has no entry first.*\n.*keystore list/)
  await done('keystore delete second')
  await refused('keystore delete second', /the keystore has no entry second/)
  await refused('keystore chain second $own.pem', /the keystore has no entry second/)
  await refused('keystore create x --key-length many', /must be a whole number/, 2)
  await refused('keystore create x --key-length 1000', /must be one of 2048/)
})

test('what ends soon shows in the list', async () => {
  await done('keystore create ending --key-length 256 --validity 5')
  assert.match((await done('keystore list')).out, /ending +key pair +P-256 +in \d days +14d/)
  world.advance(6 * 86_400_000)
  const [ended] = (await json<Entry[]>('keystore list')).filter(({ alias }) => alias === 'ending')
  assert.equal(ended!.state, 'expired')
})
