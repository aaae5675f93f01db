import assert from 'node:assert/strict'
import { chmodSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { at, done, flow, newKey, openssl, refused, write } from './world.ts'

describe('a signing request', () => {
  test('leaves the private key where it is', async () => {
    openssl(
      'req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout csr-key.pem -subj /CN=x -out x.csr',
    )
    chmodSync(at('csr-key.pem'), 0o600)
    openssl(`req -new ${newKey} -keyout other-key.pem -subj /CN=y -out y.csr`)
    chmodSync(at('other-key.pem'), 0o600)
    const made = await done('key create erp requested --csr $x.csr --out $requested')
    assert.match(made.out, /key\.json, client\.pem, chain\.pem\nNext: .* --private-key YOUR-KEY\.pem\n$/)
    assert.deepEqual(readdirSync(at('requested')).sort(), ['chain.pem', 'client.pem', 'key.json'])
    const own = '--key $requested/key.json --private-key $csr-key.pem'
    await done(`token ${own}`)
    await done(`call --with certificate ${own} ${flow()}`, /200 OK/)
    await refused('token --key $requested/key.json', /holds no private key, .* --private-key FILE/, 2)
    await refused(
      'token --key $requested/key.json --private-key $other-key.pem',
      /private key does not belong to the certificates/,
      2,
    )
  })

  test('may be in DER, and its key may be encrypted', async () => {
    openssl('req -in x.csr -outform DER -out x.der')
    await done('key create erp der --type certificate --csr $x.der --out $der')
    write('words', 'secret words\n')
    openssl('pkcs8 -topk8 -in csr-key.pem -out locked.pem -passout file:words')
    chmodSync(at('locked.pem'), 0o600)
    const own = 'token --key $der/key.json --private-key $locked.pem'
    await done(`${own} --passphrase-file $words`)
    await refused(own, /encrypted: give its passphrase/, 2)
  })

  test('that cannot be used is refused with the reason', async () => {
    await refused('key create erp bad --csr $requested/client.pem', /signing request is not accepted/)
    await refused('key create erp bad --csr $x.csr --key-length 2048', /leave key-length out/)
    await refused(
      'key create erp bad --csr $x.csr --certificate $requested/client.pem',
      /give --csr .* or --certificate/,
      2,
    )
    await refused('key create erp bad --type certificate --validity 366', /at most 365 days/)
    await refused('key create erp bad --type certificate --validity soon', /whole number/, 2)
    await refused('key create erp bad --type certificate --key-length 1024', /2048, 3072 or 4096/)
  })
})
